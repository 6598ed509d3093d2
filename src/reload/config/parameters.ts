/** The parameters of one `<configuration>`: grammar, ranges and defaults of RFC 6940 s.11.1. */
import { isOverlayName } from '../codec/index.ts'
import { invalid, unsupported } from './fault.ts'
import { attribute, baseNames, Fields, oneSupported, onlyAttributes } from './fields.ts'
import { domainRestrictionOf } from './domain-restriction-element.ts'
import { kindBlock, type KindBlock } from './kind-block.ts'
import { CHORD_NS, SUPPORTED_NAMESPACES } from './namespaces.ts'
import type { BootstrapNode, OverlayConfiguration } from './types.ts'
import {
  base64Value,
  booleanValue,
  httpsValue,
  integerValue,
  ipLiteralValue,
  nodeIdValue,
  shown,
  timeValue,
  token,
} from './values.ts'
import type { XmlDocument, XmlElement } from './xml.ts'

const KNOWN = new Set([
  ...baseNames(
    'topology-plugin',
    'node-id-length',
    'root-cert',
    'enrollment-server',
    'self-signed-permitted',
  ),
  ...baseNames(
    'bootstrap-node',
    'turn-density',
    'clients-permitted',
    'no-ice',
    'shared-secret',
    'max-message-size',
  ),
  ...baseNames('initial-ttl', 'overlay-reliability-timer', 'overlay-link-protocol', 'configuration-signer'),
  ...baseNames('kind-signer', 'bad-node', 'mandatory-extension', 'required-kinds'),
  `${CHORD_NS} chord-update-interval`,
  `${CHORD_NS} chord-ping-interval`,
  `${CHORD_NS} chord-reactive`,
])
const REQUIRED_KINDS = new Set(baseNames('kind-block'))

const TOPOLOGY = 'CHORD-RELOAD'
const LINK_PROTOCOL = 'TLS'
/** Rings are of 128 bits; longer Node-IDs have no defined place on them. */
const CHORD_NODE_ID_BYTES = 16
const BOOTSTRAP_PORT = 6084
const SEQUENCE_MAX = 65_534
const INT_MAX = 0x7fff_ffff
const UNSIGNED_MAX = 0xffff_ffff
const RELIABILITY_MS_MIN = 200

export interface OverlayParameters {
  readonly configuration: OverlayConfiguration
  readonly kindBlocks: readonly KindBlock[]
  readonly warnings: readonly string[]
}

/** Reads and checks a `<configuration>`. Throws `ConfigError`. */
export function overlayParameters(document: XmlDocument, element: XmlElement): OverlayParameters {
  onlyAttributes(element, 'instance-name', 'expiration', 'sequence')
  const fields = new Fields(element, KNOWN)
  checkSupport(fields)
  const kindBlocks = kindBlocksOf(document, fields)
  const nodeIdLength = nodeIdLengthOf(fields)
  const expiration = attribute(element, 'expiration')
  const selfSigned = selfSignedOf(fields)
  const rootCerts = fields.many('root-cert').map((cert) => rootCert(cert.text))
  if (rootCerts.length === 0 && selfSigned === undefined) {
    throw invalid('neither a root-cert nor self-signed-permitted')
  }
  const nodeIds = (local: string): OverlayConfiguration['badNodes'] =>
    fields.many(local).map((one) => nodeIdValue(one.text, local, nodeIdLength))
  const flag = (local: string, otherwise: boolean, uri?: string): boolean => {
    const text = fields.text(local, uri)
    return text === undefined ? otherwise : booleanValue(text, local)
  }
  const number = (local: string, otherwise: number, min: number, max: number, uri?: string): number => {
    const text = fields.text(local, uri)
    return text === undefined ? otherwise : integerValue(text, local, min, max)
  }
  const linkProtocols = fields.many('overlay-link-protocol').map((one) => token(one.text))
  const configuration: OverlayConfiguration = {
    instanceName: overlayName(element),
    sequence: sequenceOf(element),
    expiration: expiration === undefined ? undefined : timeValue(expiration, 'expiration'),
    topologyPlugin: TOPOLOGY,
    nodeIdLength,
    rootCerts,
    enrollmentServers: fields
      .many('enrollment-server')
      .map((one) => httpsValue(one.text, 'enrollment-server')),
    selfSigned,
    bootstrapNodes: fields.many('bootstrap-node').map(bootstrapNode),
    turnDensity: number('turn-density', 1, 0, 255),
    clientsPermitted: flag('clients-permitted', true),
    noIce: flag('no-ice', false),
    sharedSecret:
      fields.text('shared-secret') === undefined ? undefined : token(fields.required('shared-secret')),
    maxMessageSize: number('max-message-size', 5000, 1, UNSIGNED_MAX),
    initialTtl: number('initial-ttl', 100, 1, 255),
    reliabilityTimerMs: number('overlay-reliability-timer', 3000, RELIABILITY_MS_MIN, INT_MAX),
    linkProtocols: linkProtocols.length === 0 ? [LINK_PROTOCOL] : linkProtocols,
    configurationSigners: nodeIds('configuration-signer'),
    kindSigners: nodeIds('kind-signer'),
    badNodes: nodeIds('bad-node'),
    mandatoryExtensions: fields.many('mandatory-extension').map((one) => token(one.text)),
    requiredKinds: kindBlocks.map((block) => block.definition),
    chordUpdateIntervalS: number('chord-update-interval', 600, 1, INT_MAX, CHORD_NS),
    chordPingIntervalS: number('chord-ping-interval', 3600, 1, INT_MAX, CHORD_NS),
    chordReactive: flag('chord-reactive', true, CHORD_NS),
    domainRestriction: domainRestrictionOf([element, ...kindBlocks.map((block) => block.element)]),
  }
  return { configuration, kindBlocks, warnings: kindBlocks.flatMap((block) => block.warnings) }
}

/** Throws `ConfigError`. */
export function sequenceOf(element: XmlElement): number {
  return integerValue(attribute(element, 'sequence') ?? '0', 'sequence', 0, SEQUENCE_MAX)
}

/** What makes a good document one that this node cannot join. */
function checkSupport(fields: Fields): void {
  const plugin = fields.text('topology-plugin')
  if (plugin !== undefined && token(plugin) !== TOPOLOGY) {
    throw unsupported(`topology plug-in ${shown(token(plugin))}`)
  }
  for (const extension of fields.many('mandatory-extension')) {
    const namespace = token(extension.text)
    if (!SUPPORTED_NAMESPACES.has(namespace)) throw unsupported(`mandatory extension ${shown(namespace)}`)
  }
  oneSupported(
    fields.many('overlay-link-protocol').map((one) => token(one.text)),
    LINK_PROTOCOL,
    'overlay-link-protocol',
  )
}

/** RFC 6940 s.6.3.2: the name is hashed into every message and must be a DNS name. */
function overlayName(element: XmlElement): string {
  const name = attribute(element, 'instance-name') ?? ''
  if (!isOverlayName(name)) throw invalid('instance-name is no DNS name')
  return name
}

function nodeIdLengthOf(fields: Fields): number {
  const text = fields.text('node-id-length')
  if (text === undefined) return CHORD_NODE_ID_BYTES
  const length = integerValue(text, 'node-id-length', 16, 20)
  if (length !== CHORD_NODE_ID_BYTES) throw unsupported(`node-id-length ${length} with ${TOPOLOGY}`)
  return length
}

/** The digest when self-signed certificates are permitted. */
function selfSignedOf(fields: Fields): OverlayConfiguration['selfSigned'] {
  const element = fields.one('self-signed-permitted')
  if (element === undefined) return undefined
  onlyAttributes(element, 'digest')
  const digest = attribute(element, 'digest')
  if (digest === undefined) throw invalid('self-signed-permitted without digest')
  if (!booleanValue(element.text, 'self-signed-permitted')) return undefined
  const name = token(digest)
  if (name !== 'sha1' && name !== 'sha256') throw unsupported(`self-signed-permitted digest ${shown(name)}`)
  return name
}

/** A DER SEQUENCE of exactly this length; what is in it is read by security/. */
function rootCert(text: string): Uint8Array {
  const der = base64Value(text, 'root-cert')
  const long =
    der[1] === 0x82 ? 4 + (der[2] ?? 0) * 256 + (der[3] ?? 0) : der[1] === 0x81 ? 3 + (der[2] ?? 0) : 0
  if (der[0] !== 0x30 || der.length !== long) throw invalid('root-cert is no DER certificate')
  return der
}

function bootstrapNode(element: XmlElement): BootstrapNode {
  onlyAttributes(element, 'address', 'port')
  const port = attribute(element, 'port')
  return {
    address: ipLiteralValue(attribute(element, 'address') ?? '', 'bootstrap-node'),
    port: port === undefined ? BOOTSTRAP_PORT : integerValue(port, 'bootstrap-node port', 1, 65_535),
  }
}

function kindBlocksOf(document: XmlDocument, fields: Fields): readonly KindBlock[] {
  const required = fields.one('required-kinds')
  if (required === undefined) return []
  const blocks = new Fields(required, REQUIRED_KINDS)
    .many('kind-block')
    .map((block) => kindBlock(document, block))
  if (new Set(blocks.map((block) => block.definition.id)).size !== blocks.length)
    throw invalid('a Kind stands twice')
  return blocks
}
