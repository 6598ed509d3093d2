/** Messages of our own making. */
import { ID_MASK, LINE_STRIDE } from './head.ts'
import { CALL_ID, CSEQ, FROM, RECORD_ROUTE, TIMESTAMP, TO, VIA } from './header-ids.ts'
import { valueEndAt } from './lists.ts'
import type { SipMessage } from './sip-message.ts'
import { NO_NAME_ADDR } from './name-addr.ts'

export interface ResponseParts {
  /** Added to To when it has none (RFC 3261 s.8.2.6.2). */
  readonly toTag?: string | undefined
  /** Names as they are to be written. */
  readonly headers?: readonly (readonly [string, string])[] | undefined
  readonly body?: Uint8Array | undefined
  readonly contentType?: string | undefined
  /** Stands in place of the request's top Via, with `received` and `rport` filled in. */
  readonly topVia?: string | undefined
  /** Copies Record-Route too, as a dialog-forming 2xx must (RFC 3261 s.12.1.1). */
  readonly copyRecordRoute?: boolean | undefined
  /** Copies Timestamp too, as a 100 must (RFC 3261 s.8.2.6.1); a number of seconds is added as delay. */
  readonly copyTimestamp?: boolean | undefined
}

const NO_PARTS: ResponseParts = {}
const COPIED = (1 << VIA) | (1 << FROM) | (1 << TO) | (1 << CALL_ID) | (1 << CSEQ)

/**
 * A response with the request's Via, From, To, Call-ID and CSeq in their order, byte for byte. Works on what a
 * `ParseFault` has left of a request as well: what is not there is not copied.
 */
export function buildResponse(
  request: SipMessage,
  status: number,
  reason: string,
  parts: ResponseParts = NO_PARTS,
): Uint8Array {
  const { lines, text } = request.head
  const wanted =
    COPIED |
    (parts.copyRecordRoute === true ? 1 << RECORD_ROUTE : 0) |
    (parts.copyTimestamp === true ? 1 << TIMESTAMP : 0)
  let out = `SIP/2.0 ${status} ${reason}\r\n`
  let firstVia = true
  // Lines that follow one another and stay as they are go out in one piece: [from, to), without the line end; none when from is -1.
  let from = -1
  let to = 0
  for (let i = 0; i < lines.length; i += LINE_STRIDE) {
    const id = (lines[i] as number) & ID_MASK
    if (id > TIMESTAMP || ((1 << id) & wanted) === 0) continue
    const start = lines[i + 1] as number
    const valueEnd = lines[i + 3] as number
    if (from < 0 || start !== to + 2) {
      if (from >= 0) out += text.slice(from, to) + '\r\n'
      from = start
    }
    to = valueEnd
    if (id === VIA && firstVia) {
      firstVia = false
      if (parts.topVia !== undefined) {
        const valueStart = lines[i + 2] as number
        out += text.slice(from, valueStart) + parts.topVia
        from = valueEndAt(text, valueStart, valueEnd)
      }
    } else if (id === TO && parts.toTag !== undefined && needsTag(request)) {
      out += `${text.slice(from, to)};tag=${parts.toTag}`
      from = to
    }
  }
  if (from >= 0) out += text.slice(from, to) + '\r\n'
  return finish(out, parts.headers, parts.body, parts.contentType)
}

/** A malformed To is copied as it is: a parameter at its end might end up inside a quoted string. */
function needsTag(request: SipMessage): boolean {
  return request.to !== NO_NAME_ADDR && !request.to.params.has('tag')
}

export interface RequestParts {
  readonly method: string
  readonly uri: string
  /** In order, names as they are to be written; Content-Length is added. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body?: Uint8Array | undefined
}

export function buildRequest(parts: RequestParts): Uint8Array {
  return finish(`${parts.method} ${parts.uri} SIP/2.0\r\n`, parts.headers, parts.body, undefined)
}

function finish(
  start: string,
  headers: readonly (readonly [string, string])[] | undefined,
  body: Uint8Array | undefined,
  contentType: string | undefined,
): Uint8Array {
  let head = start
  if (headers !== undefined) for (const [name, value] of headers) head += `${name}: ${value}\r\n`
  if (contentType !== undefined) head += `Content-Type: ${contentType}\r\n`
  head += `Content-Length: ${body?.length ?? 0}\r\n\r\n`
  const bytes = Buffer.allocUnsafe(head.length + (body?.length ?? 0))
  bytes.write(head, 0, 'latin1')
  if (body !== undefined) bytes.set(body, head.length)
  return bytes
}
