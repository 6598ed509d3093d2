/** Reads a reginfo document with the XML parser that the product uses for others, namespaces included. */
import { SaxesParser } from 'saxes'
import type { SipMessage } from '../../../../src/sip/message/index.ts'

export interface DocumentContact {
  readonly id: string
  readonly state: string
  readonly event: string
  uri: string
  readonly attributes: Readonly<Record<string, string>>
  readonly parameters: Record<string, string>
  readonly gruus: Record<string, Readonly<Record<string, string>>>
}

export interface Document {
  readonly version: number
  readonly state: string
  aor: string
  registration: string
  readonly contacts: DocumentContact[]
}

const REGINFO = 'urn:ietf:params:xml:ns:reginfo'
const GRUUINFO = 'urn:ietf:params:xml:ns:gruuinfo'

/** Throws for what is no well-formed UTF-8 XML. */
export function reginfo(message: SipMessage): Document {
  return readReginfo(message.body)
}

export function readReginfo(body: Uint8Array): Document {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  const parser = new SaxesParser({ xmlns: true })
  let document: Document | undefined
  let contact: DocumentContact | undefined
  let parameter = ''
  let content = ''
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ local, uri, attributes }) => {
    const values = Object.fromEntries(Object.values(attributes).map((each) => [each.name, each.value]))
    content = ''
    if (uri === GRUUINFO && contact !== undefined) contact.gruus[local] = values
    if (uri !== REGINFO) return
    if (local === 'reginfo')
      document = {
        version: Number(values['version']),
        state: values['state'] ?? '',
        aor: '',
        registration: '',
        contacts: [],
      }
    else if (local === 'registration' && document !== undefined) {
      document.aor = values['aor'] ?? ''
      document.registration = values['state'] ?? ''
    } else if (local === 'contact') {
      const { id = '', state = '', event = '', ...attributesLeft } = values
      contact = { id, state, event, uri: '', attributes: attributesLeft, parameters: {}, gruus: {} }
      document?.contacts.push(contact)
    } else if (local === 'unknown-param') parameter = values['name'] ?? ''
  })
  parser.on('text', (more) => {
    content += more
  })
  parser.on('closetag', ({ local, uri }) => {
    if (uri !== REGINFO || contact === undefined) return
    if (local === 'uri') contact.uri = content
    else if (local === 'unknown-param') contact.parameters[parameter] = content
  })
  parser.write(text).close()
  if (document === undefined) throw new Error('no reginfo document')
  return document
}
