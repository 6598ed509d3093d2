/**
 * multipart/form-data (RFC 2388, RFC 2046 s.5.1) as an enrollment request uses it: a few small parts. Strict and bounded:
 * what does not follow the grammar is refused as a whole, because a server that guesses what a form means lets two
 * readers see two forms.
 */
import { concatBytes, utf8 } from '../common/bytes.ts'
import { fail, ok, type Result } from '../common/errors.ts'

export interface FormPart {
  readonly name: string
  /** Media type in lower case without parameters; undefined when the part names none. */
  readonly contentType: string | undefined
  /** The value, transfer encoding undone. */
  readonly content: Uint8Array
}

/** An enrollment has four parts; a browser's form may add its button. */
const PARTS_MAX = 16
const PART_HEADERS_MAX = 8
/** Bytes of all headers of one part. */
const PART_HEAD_BYTES_MAX = 2048
/** RFC 2046 s.5.1.1. */
const BOUNDARY_LENGTH_MAX = 70
const BOUNDARY_CHARACTERS = new Set(
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=? ",
)
const TOKEN_SEPARATORS = new Set('()<>@,;:\\"/[]?={} \t')

/** The boundary of a Content-Type header field that says multipart/form-data. */
export function boundaryOf(contentType: string): Result<string, string> {
  const field = parseField(contentType)
  if (field === undefined) return fail('Content-Type cannot be read')
  if (field.value.toLowerCase() !== 'multipart/form-data') return fail('not multipart/form-data')
  const boundary = field.parameters.get('boundary')
  if (boundary === undefined || boundary.length === 0 || boundary.length > BOUNDARY_LENGTH_MAX)
    return fail('no usable boundary')
  if (boundary.endsWith(' ') || [...boundary].some((character) => !BOUNDARY_CHARACTERS.has(character)))
    return fail('illegal character in boundary')
  return ok(boundary)
}

/** All parts of a body, in order. Nothing is copied but what has to be decoded. */
export function parseMultipart(body: Uint8Array, boundary: string): Result<readonly FormPart[], string> {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const first = `--${boundary}`
  const delimiter = `\r\n${first}`
  if (!startsWith(buffer, first, 0)) return fail('the body does not begin with its boundary')
  const parts: FormPart[] = []
  let at = first.length
  for (;;) {
    // Behind a boundary stands the end of its line, or two hyphens for the last one.
    if (startsWith(buffer, '--', at)) return at === first.length ? fail('a form without parts') : ok(parts)
    if (!startsWith(buffer, '\r\n', at)) return fail('a boundary is not followed by the end of its line')
    if (parts.length >= PARTS_MAX) return fail('too many parts')
    at += 2
    const end = buffer.indexOf(delimiter, at, 'latin1')
    if (end < 0) return fail('the last boundary is missing')
    const part = parsePart(buffer.subarray(at, end))
    if (!part.ok) return part
    parts.push(part.value)
    at = end + delimiter.length
  }
}

/** A body with these parts; `boundary` must not occur in any of them. */
export function writeMultipart(parts: readonly FormPart[], boundary: string): Uint8Array {
  const chunks: Uint8Array[] = []
  for (const { name, contentType, content } of parts) {
    const type = contentType === undefined ? '' : `Content-Type: ${contentType}\r\n`
    chunks.push(
      utf8(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n${type}\r\n`),
      content,
      utf8('\r\n'),
    )
  }
  chunks.push(utf8(`--${boundary}--\r\n`))
  return concatBytes(chunks)
}

function parsePart(part: Buffer): Result<FormPart, string> {
  // A part without any header begins with the empty line.
  const headEnd = startsWith(part, '\r\n', 0) ? 0 : part.indexOf('\r\n\r\n', 0, 'latin1')
  if (headEnd < 0 || headEnd > PART_HEAD_BYTES_MAX) return fail('the head of a part is missing or too long')
  const headers = new Map<string, string>()
  const lines = headEnd === 0 ? [] : part.toString('latin1', 0, headEnd).split('\r\n')
  if (lines.length > PART_HEADERS_MAX) return fail('a part has too many headers')
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    // Folded lines begin with a blank, which is no token, and are refused with the rest.
    if (!isToken(name) || headers.has(name)) return fail('a header of a part cannot be read')
    headers.set(name, line.slice(colon + 1).trim())
  }
  const disposition = parseField(headers.get('content-disposition') ?? '')
  const name = disposition?.parameters.get('name')
  if (disposition?.value.toLowerCase() !== 'form-data' || name === undefined)
    return fail('a part is not form-data with a name')
  const type = headers.get('content-type')
  const contentType = type === undefined ? undefined : parseField(type)?.value.toLowerCase()
  if (type !== undefined && contentType === undefined) return fail('Content-Type of a part cannot be read')
  const raw = part.subarray(headEnd === 0 ? 2 : headEnd + 4)
  const content = decoded(raw, (headers.get('content-transfer-encoding') ?? 'binary').toLowerCase())
  return content === undefined ? fail('transfer encoding of a part') : ok({ name, contentType, content })
}

/** RFC 2388 s.3: parts may be sent in base64, as PKCS#10 in mail is (RFC 2311). */
function decoded(raw: Buffer, encoding: string): Uint8Array | undefined {
  if (encoding === 'binary' || encoding === '8bit' || encoding === '7bit') return raw
  if (encoding !== 'base64') return undefined
  const text = raw.toString('latin1').replaceAll('\r\n', '')
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

interface Field {
  readonly value: string
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

/** `value; name=token; name="quoted"`, or undefined. A parameter that stands twice makes the field unreadable. */
function parseField(text: string): Field | undefined {
  const semicolon = text.indexOf(';')
  const value = (semicolon < 0 ? text : text.slice(0, semicolon)).trim()
  const parameters = new Map<string, string>()
  let rest = semicolon < 0 ? '' : text.slice(semicolon)
  while (rest !== '') {
    if (!rest.startsWith(';')) return undefined
    rest = rest.slice(1).trimStart()
    const equals = rest.indexOf('=')
    const name = rest.slice(0, Math.max(equals, 0)).toLowerCase()
    if (!isToken(name) || parameters.has(name)) return undefined
    const parameter = rest[equals + 1] === '"' ? quoted(rest, equals + 1) : bare(rest, equals + 1)
    if (parameter === undefined) return undefined
    parameters.set(name, parameter.value)
    rest = rest.slice(parameter.end).trimStart()
  }
  return value === '' ? undefined : { value, parameters }
}

interface Parameter {
  readonly value: string
  /** Index behind it. */
  readonly end: number
}

function bare(text: string, start: number): Parameter | undefined {
  let end = start
  while (end < text.length && text[end] !== ';' && text[end] !== ' ') end++
  const value = text.slice(start, end)
  return isToken(value) ? { value, end } : undefined
}

function quoted(text: string, start: number): Parameter | undefined {
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] as string
    if (character === '"') return { value, end: at + 1 }
    if (character !== '\\') value += character
    else if (++at < text.length) value += text[at] as string
  }
  return undefined
}

function isToken(text: string): boolean {
  if (text.length === 0) return false
  for (const character of text) {
    if (character <= ' ' || character > '~' || TOKEN_SEPARATORS.has(character)) return false
  }
  return true
}

function startsWith(buffer: Buffer, text: string, at: number): boolean {
  return buffer.length >= at + text.length && buffer.toString('latin1', at, at + text.length) === text
}
