/** Reading a Configuration Document (RFC 6940 s.11.1). Whether to believe it: security/document-signature.ts. */
import { concatBytes, utf8 } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import { ConfigError, invalid, type ConfigFault } from './fault.ts'
import { attribute } from './fields.ts'
import { kindBlock, type KindBlock } from './kind-block.ts'
import { BASE_NS } from './namespaces.ts'
import { overlayParameters, sequenceOf } from './parameters.ts'
import type { OverlayConfiguration } from './types.ts'
import { base64Value, token } from './values.ts'
import { parseXml, type XmlDocument, type XmlElement } from './xml.ts'

export interface ParsedConfiguration {
  readonly configuration: OverlayConfiguration
  /** The `<configuration>` element exactly as it stands in the document: what is signed, kept and passed on. */
  readonly signedBytes: Uint8Array
  /** Encoded SecurityBlocks that follow the element. */
  readonly signatures: readonly Uint8Array[]
  readonly kindBlocks: readonly KindBlock[]
  /** Worth a line in the log, no reason to refuse. */
  readonly warnings: readonly string[]
}

/**
 * The configuration of `instanceName` in a document that may hold several. Every other element of the document must
 * be well-formed but is not looked into.
 */
export function parseConfiguration(
  xml: Uint8Array,
  instanceName: string,
): Result<ParsedConfiguration, ConfigFault> {
  try {
    const document = parseXml(xml)
    return ok(wanted(document, instanceName))
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.fault)
    throw error
  }
}

/** What has to be known of a document before it is worth believing. */
export interface SignedConfiguration {
  readonly sequence: number
  readonly signedBytes: Uint8Array
  /** Encoded SecurityBlocks that follow the element. */
  readonly signatures: readonly Uint8Array[]
}

/** The same without a look at what the configuration says, which this node need not be able to follow. */
export function signedConfiguration(
  xml: Uint8Array,
  instanceName: string,
): Result<SignedConfiguration, ConfigFault> {
  try {
    const document = parseXml(xml)
    const { element, signatures } = elementOf(document, instanceName)
    return ok({ sequence: sequenceOf(element), signedBytes: document.bytesOf(element), signatures })
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.fault)
    throw error
  }
}

/**
 * A `<kind-block>` on its own, as a ConfigUpdate brings it: UTF-8 in the default namespace of the Configuration Document
 * (RFC 6940 s.6.5.4.1), which it need not declare.
 */
export function parseKindBlock(xml: Uint8Array): Result<KindBlock, ConfigFault> {
  try {
    const around = [`<required-kinds xmlns="${BASE_NS}">`, '</required-kinds>'].map((tag) => utf8(tag))
    const document = parseXml(concatBytes([around[0] as Uint8Array, xml, around[1] as Uint8Array]))
    const [block, more] = document.root.children
    if (block?.local !== 'kind-block' || more !== undefined) throw invalid('not one <kind-block>')
    return ok(kindBlock(document, block))
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.fault)
    throw error
  }
}

/** The same of a Kind in a document, with its kind-signature, for a node that lacks it. */
export function kindBlockBytes(block: KindBlock): Uint8Array | undefined {
  if (block.signature === undefined) return undefined
  const signature = Buffer.from(block.signature).toString('base64')
  return concatBytes([
    utf8('<kind-block>'),
    block.signedBytes,
    utf8(`<kind-signature>${signature}</kind-signature></kind-block>`),
  ])
}

function wanted(document: XmlDocument, instanceName: string): ParsedConfiguration {
  const { element, signatures } = elementOf(document, instanceName)
  const { configuration, kindBlocks, warnings } = overlayParameters(document, element)
  return { configuration, kindBlocks, warnings, signedBytes: document.bytesOf(element), signatures }
}

function elementOf(
  document: XmlDocument,
  instanceName: string,
): { readonly element: XmlElement; readonly signatures: readonly Uint8Array[] } {
  const { root } = document
  if (root.uri !== BASE_NS || root.local !== 'overlay') throw invalid('the document is not an <overlay>')
  let element: XmlElement | undefined
  const signatures: Uint8Array[] = []
  // A signature belongs to the configuration before it.
  let current: XmlElement | undefined
  for (const child of root.children) {
    if (child.uri !== BASE_NS) throw invalid(`<overlay> has a foreign <${child.local}>`)
    if (child.local === 'configuration') {
      current = child
      if (attribute(child, 'instance-name') !== instanceName) continue
      if (element !== undefined) throw invalid('two configurations of the same overlay')
      element = child
    } else if (child.local === 'signature') {
      if (current !== undefined && current === element)
        signatures.push(base64Value(token(child.text), 'signature'))
    } else {
      throw invalid(`<overlay> has an unknown <${child.local}>`)
    }
  }
  if (element === undefined) throw new ConfigError('absent', 'no configuration of the wanted overlay')
  return { element, signatures }
}
