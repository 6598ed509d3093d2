/** What stands at the head of each part of a multipart body (RFC 2046 s.5.1): enough to tell whether it has to be understood. */
import { parseParams, unquote, type SipMessage } from '../message/index.ts'

/** Judgement: who sends more has something else in mind than a phone call. */
const PARTS_MAX = 16

/** Header lines by lower-case name; of several with one name the last. */
export type PartHead = ReadonlyMap<string, string>

/** Undefined for a body that is not multipart, has no boundary, no parts or more than 16, or does not end as it should. */
export function bodyParts(message: SipMessage): readonly PartHead[] | undefined {
  const type = message.header('content-type') ?? ''
  if (!type.trimStart().toLowerCase().startsWith('multipart/')) return undefined
  const semicolon = type.indexOf(';')
  const params = semicolon < 0 ? undefined : parseParams(type, semicolon, type.length)
  const boundary = unquote(params?.get('boundary') ?? '')
  if (boundary === '') return undefined
  const { body } = message
  // A line break before the body, so that the first delimiter is like all others.
  const text = `\r\n${Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')}`
  const delimiter = `\r\n--${boundary}`
  const heads: PartHead[] = []
  for (let at = text.indexOf(delimiter); at >= 0; at = text.indexOf(delimiter, at)) {
    at += delimiter.length
    if (text.startsWith('--', at)) return heads.length === 0 ? undefined : heads
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0 || text.slice(at, lineEnd).trim() !== '' || heads.length === PARTS_MAX) return undefined
    const headEnd = text.indexOf('\r\n\r\n', lineEnd)
    if (headEnd < 0) return undefined
    heads.push(headOf(text.slice(lineEnd + 2, Math.max(headEnd, lineEnd + 2))))
    at = headEnd
  }
  return undefined
}

function headOf(text: string): PartHead {
  const head = new Map<string, string>()
  let name = ''
  for (const line of text.split('\r\n')) {
    const folded = line.startsWith(' ') || line.startsWith('\t')
    if (folded) head.set(name, `${head.get(name) ?? ''} ${line.trim()}`)
    else {
      const colon = line.indexOf(':')
      name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase()
      head.set(name, line.slice(colon + 1).trim())
    }
  }
  return head
}
