/** Documents of type application/reginfo+xml (RFC 3680 s.5) with the GRUUs of RFC 5628. */
import type { Millis } from '../../common/time.ts'
import type { ContactState, WatchedBinding } from './watched.ts'

export const REGINFO_TYPE = 'application/reginfo+xml'

export interface GruuPair {
  readonly publicUri: string
  readonly temporaryUri: string
}

export interface Reginfo {
  /** Counts the documents of one subscription from 0. */
  readonly version: number
  readonly full: boolean
  readonly aor: string
  readonly registrationId: string
  /** Of the AOR: `init` while nothing is bound, `terminated` when the last contact has just gone. */
  readonly registration: 'init' | 'active' | 'terminated'
  readonly contacts: readonly ContactState[]
  readonly gruuOf: (binding: WatchedBinding) => GruuPair | undefined
}

export function reginfoDocument(now: Millis, info: Reginfo): Uint8Array {
  let text =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" xmlns:gr="urn:ietf:params:xml:ns:gruuinfo"' +
    ` version="${info.version}" state="${info.full ? 'full' : 'partial'}">\n` +
    ` <registration aor="${attribute(info.aor)}" id="${info.registrationId}" state="${info.registration}">\n`
  for (const contact of info.contacts) text += contactElement(now, contact, info)
  return Buffer.from(`${text} </registration>\n</reginfo>\n`, 'utf8')
}

function contactElement(now: Millis, state: ContactState, info: Reginfo): string {
  const { binding } = state
  let text = `  <contact id="${state.id}" state="${state.active ? 'active' : 'terminated'}" event="${state.event}"`
  if (binding !== undefined) {
    const seconds = Math.max(0, Math.floor((now - binding.since) / 1000))
    text += ` duration-registered="${seconds}" q="${binding.q / 1000}"`
    text += ` callid="${attribute(binding.callId)}" cseq="${binding.cseq}"`
  }
  text += `>\n   <uri>${content(state.uri)}</uri>\n`
  for (const [name, value] of state.parameters) {
    // RFC 3680 s.5.1: what RFC 3261 knows has a place of its own.
    if (name === 'q' || name === 'expires') continue
    text += `   <unknown-param name="${attribute(name)}">${content(value)}</unknown-param>\n`
  }
  const gruu = binding !== undefined && state.active ? info.gruuOf(binding) : undefined
  if (gruu !== undefined && binding !== undefined) {
    text += `   <gr:pub-gruu uri="${attribute(gruu.publicUri)}"/>\n`
    text += `   <gr:temp-gruu uri="${attribute(gruu.temporaryUri)}" first-cseq="${binding.gruuCseq}"/>\n`
  }
  return `${text}  </contact>\n`
}

/** What XML 1.0 has no place for, escaped or not: control characters but tab and line ends. */
const NO_XML = /[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu

/** Texts are bytes of messages as latin-1 chars; in a document they have to be UTF-8 and XML. */
function content(text: string): string {
  return Buffer.from(text, 'latin1')
    .toString('utf8')
    .replace(NO_XML, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

function attribute(text: string): string {
  return content(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}
