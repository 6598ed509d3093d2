/**
 * A small tree over saxes. Every element knows where it was read from, because configurations and Kinds are signed
 * as they stand in the file (RFC 6940 s.11.1) and no writer gives the same bytes back.
 */
import { SaxesParser, type SaxesTagNS } from 'saxes'

import { utf8 } from '../../common/bytes.ts'
import { ConfigError } from './fault.ts'

export interface XmlAttribute {
  readonly uri: string
  readonly local: string
  readonly value: string
}

export interface XmlElement {
  readonly uri: string
  readonly local: string
  readonly attributes: readonly XmlAttribute[]
  readonly children: readonly XmlElement[]
  /** Character data of this element alone. */
  readonly text: string
  /** Place in the decoded text, from `<` of the start tag to behind `>` of the end tag; see `XmlDocument.bytesOf`. */
  readonly start: number
  readonly end: number
}

export interface XmlDocument {
  readonly root: XmlElement
  /** The bytes of an element exactly as read, from `<` of its start tag to `>` of its end tag. */
  bytesOf(element: XmlElement): Uint8Array
}

export const DOCUMENT_BYTES_MAX = 1 << 20
const DEPTH_MAX = 32

interface OpenElement {
  readonly uri: string
  readonly local: string
  readonly attributes: readonly XmlAttribute[]
  readonly children: XmlElement[]
  text: string
  readonly start: number
}

/** The root element. Throws `ConfigError` unless `bytes` are well-formed UTF-8 XML without a DOCTYPE. */
export function parseXml(bytes: Uint8Array): XmlDocument {
  if (bytes.length > DOCUMENT_BYTES_MAX) throw malformed(`more than ${DOCUMENT_BYTES_MAX} bytes`)
  const text = decoded(bytes)
  const parser = new SaxesParser({
    xmlns: true,
    position: true,
    defaultXMLVersion: '1.0',
    forceXMLVersion: true,
  })
  const open: OpenElement[] = []
  let tagStart = 0
  let root: XmlElement | undefined

  parser.on('error', (error) => {
    throw malformed(error.message)
  })
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') throw malformed(`encoding ${encoding}`)
  })
  // A DTD could define entities and defaults that other readers see and we do not.
  parser.on('doctype', () => {
    throw malformed('a DOCTYPE is not allowed')
  })
  parser.on('opentagstart', () => {
    tagStart = text.lastIndexOf('<', parser.position - 1)
    if (open.length >= DEPTH_MAX) throw malformed('nested too deep')
  })
  parser.on('opentag', (tag: SaxesTagNS) => {
    open.push({
      uri: tag.uri,
      local: tag.local,
      attributes: attributesOf(tag),
      children: [],
      text: '',
      start: tagStart,
    })
  })
  const addText = (part: string): void => {
    const element = open.at(-1)
    if (element !== undefined) element.text += part
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    const element = { ...(open.pop() as OpenElement), end: parser.position }
    const parent = open.at(-1)
    if (parent === undefined) root = element
    else parent.children.push(element)
  })
  parser.write(text).close()
  if (root === undefined) throw malformed('no element')
  return { root, bytesOf: (element) => slice(bytes, text, element.start, element.end) }
}

/** Attributes without a namespace belong to their element; `xmlns` declarations are left out. */
function attributesOf(tag: SaxesTagNS): XmlAttribute[] {
  const attributes: XmlAttribute[] = []
  for (const { uri, local, value, prefix, name } of Object.values(tag.attributes)) {
    if (prefix !== 'xmlns' && name !== 'xmlns') attributes.push({ uri, local, value })
  }
  return attributes
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed('not UTF-8')
  }
}

/** The bytes of `text[start, end)`: valid UTF-8 has one encoding, so counting it gives the offsets in the file. */
function slice(bytes: Uint8Array, text: string, start: number, end: number): Uint8Array {
  const from = utf8(text.slice(0, start)).length
  return bytes.subarray(from, from + utf8(text.slice(start, end)).length)
}

function malformed(reason: string): ConfigError {
  return new ConfigError('malformed', `not a well-formed document: ${reason}`)
}
