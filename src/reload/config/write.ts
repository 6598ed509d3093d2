/** Writing Configuration Documents: always the same bytes for the same values. */
import { concatBytes, toHex, utf8 } from '../../common/bytes.ts'
import { formatUtc } from '../../common/calendar.ts'
import { KIND, type DataModel, type NodeId } from '../codec/index.ts'
import { registeredKind } from './kinds.ts'
import { BASE_NS, CHORD_NS, SIP_NS } from './namespaces.ts'
import type { DomainRestriction, KindDefinition, OverlayConfiguration } from './types.ts'

const DATA_MODEL_NAMES: Readonly<Record<DataModel, string>> = {
  single: 'SINGLE',
  array: 'ARRAY',
  dictionary: 'DICTIONARY',
}

const BASE64_LINE = 64

/**
 * The `<configuration>` element in UTF-8. Prefixes are declared by `wrapOverlay`. `signKind` gives the base64
 * kind-signature of a `<kind>` element's bytes; without it Kinds are left to the signature of the whole.
 */
export function writeConfiguration(
  configuration: OverlayConfiguration,
  signKind?: (kindElement: Uint8Array) => string,
): Uint8Array {
  const c = configuration
  const kinds = c.requiredKinds
  const inKind = kinds.some((kind) => kind.id === KIND.sipRegistration)
  const lines = [
    `<configuration instance-name="${escaped(c.instanceName)}" sequence="${c.sequence}"${expirationOf(c)}>`,
    element('topology-plugin', c.topologyPlugin),
    element('node-id-length', c.nodeIdLength),
    ...c.rootCerts.map((der) => `  <root-cert>\n${base64Lines(der)}\n  </root-cert>`),
    ...c.enrollmentServers.map((url) => element('enrollment-server', url)),
    ...(c.selfSigned === undefined
      ? []
      : [`  <self-signed-permitted digest="${c.selfSigned}">true</self-signed-permitted>`]),
    ...c.bootstrapNodes.map(
      (node) => `  <bootstrap-node address="${escaped(node.address)}" port="${node.port}"/>`,
    ),
    element('turn-density', c.turnDensity),
    element('clients-permitted', c.clientsPermitted),
    element('no-ice', c.noIce),
    ...(c.sharedSecret === undefined ? [] : [element('shared-secret', c.sharedSecret)]),
    element('max-message-size', c.maxMessageSize),
    element('initial-ttl', c.initialTtl),
    element('overlay-reliability-timer', c.reliabilityTimerMs),
    ...c.linkProtocols.map((name) => element('overlay-link-protocol', name)),
    ...nodeIdElements('configuration-signer', c.configurationSigners),
    ...nodeIdElements('kind-signer', c.kindSigners),
    ...nodeIdElements('bad-node', c.badNodes),
    ...c.mandatoryExtensions.map((namespace) => element('mandatory-extension', namespace)),
    element('chord:chord-update-interval', c.chordUpdateIntervalS),
    element('chord:chord-ping-interval', c.chordPingIntervalS),
    element('chord:chord-reactive', c.chordReactive),
    ...(inKind ? [] : restrictionLines(c.domainRestriction)),
    ...requiredKindLines(c, signKind),
    '</configuration>',
  ]
  return utf8(lines.join('\n'))
}

/** One whole document around an element, which stays as it is; `signature` is a base64 SecurityBlock. */
export function wrapOverlay(configurationElement: Uint8Array, signature: string | undefined): Uint8Array {
  const namespaces = `xmlns="${BASE_NS}" xmlns:chord="${CHORD_NS}" xmlns:sip="${SIP_NS}"`
  const tail = signature === undefined ? '' : `<signature>${signature}</signature>\n`
  return concatBytes([
    utf8(`<?xml version="1.0" encoding="UTF-8"?>\n<overlay ${namespaces}>\n`),
    configurationElement,
    utf8(`\n${tail}</overlay>\n`),
  ])
}

function requiredKindLines(
  configuration: OverlayConfiguration,
  signKind: ((kindElement: Uint8Array) => string) | undefined,
): string[] {
  if (configuration.requiredKinds.length === 0) return []
  const lines = ['  <required-kinds>']
  for (const kind of configuration.requiredKinds) {
    const text = kindElement(
      kind,
      kind.id === KIND.sipRegistration ? configuration.domainRestriction : undefined,
    )
    lines.push('    <kind-block>', text)
    if (signKind !== undefined)
      lines.push(`      <kind-signature>${signKind(utf8(text.trim()))}</kind-signature>`)
    lines.push('    </kind-block>')
  }
  lines.push('  </required-kinds>')
  return lines
}

function kindElement(kind: KindDefinition, restriction: DomainRestriction | undefined): string {
  // RFC 6940 s.11.1: registered Kinds by name, private ones by number.
  const registered = registeredKind(kind.id)
  const identity = registered === undefined ? `id="${kind.id}"` : `name="${registered.name}"`
  return [
    `      <kind ${identity}>`,
    element('data-model', DATA_MODEL_NAMES[kind.dataModel]),
    element('access-control', kind.accessControl),
    ...(kind.maxNodeMultiple === 0 ? [] : [element('max-node-multiple', kind.maxNodeMultiple)]),
    element('max-count', kind.maxCount),
    element('max-size', kind.maxSize),
    ...restrictionLines(restriction),
    '      </kind>',
  ].join('\n')
}

function restrictionLines(restriction: DomainRestriction | undefined): string[] {
  if (restriction === undefined) return []
  return [
    `  <sip:domain-restriction enable="${restriction.enable}">`,
    ...restriction.patterns.map((pattern) => `    <sip:pattern>${escaped(pattern)}</sip:pattern>`),
    '  </sip:domain-restriction>',
  ]
}

function expirationOf(configuration: OverlayConfiguration): string {
  return configuration.expiration === undefined ? '' : ` expiration="${formatUtc(configuration.expiration)}"`
}

function nodeIdElements(name: string, nodeIds: readonly NodeId[]): string[] {
  return nodeIds.map((nodeId) => element(name, toHex(nodeId)))
}

function element(name: string, value: string | number | boolean): string {
  return `  <${name}>${escaped(String(value))}</${name}>`
}

function base64Lines(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('base64')
  const lines: string[] = []
  for (let at = 0; at < text.length; at += BASE64_LINE) lines.push(text.slice(at, at + BASE64_LINE))
  return lines.join('\n')
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
