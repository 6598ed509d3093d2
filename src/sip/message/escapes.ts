/** %-escapes of URIs. Texts are bytes as latin-1 chars, before and after. */
import { HEX, PERCENT, USER_CHAR } from './chars.ts'

/** Characters whose escaped and plain forms differ in meaning: `reserved` of RFC 2396. */
const RESERVED = ';/?:@&=+$,'
/** True when two hex digits follow the character at `at`. */
export function isEscape(text: string, at: number): boolean {
  return HEX[text.charCodeAt(at + 1)] === 1 && HEX[text.charCodeAt(at + 2)] === 1
}

/** Undoes %-escapes once; broken ones stay. The result is bytes as latin-1 text. */
export function percentDecode(text: string): string {
  let percent = text.indexOf('%')
  if (percent < 0) return text
  let plain = ''
  let copied = 0
  while (percent >= 0) {
    if (isEscape(text, percent)) {
      plain +=
        text.slice(copied, percent) +
        String.fromCharCode(Number.parseInt(text.slice(percent + 1, percent + 3), 16))
      copied = percent + 3
    }
    percent = text.indexOf('%', Math.max(copied, percent + 1))
  }
  return plain + text.slice(copied)
}

/** Escapes what may not stand in a user part; the input is bytes as latin-1 text, not escaped yet. */
export function escapeUser(text: string): string {
  let escaped = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const plain = USER_CHAR[code] === 1 && code < 0x80 && code !== 35
    escaped += plain ? text[i] : `%${code.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}

/** Undoes every escape that has no meaning of its own, once; the others get capital digits. */
export function normalizeEscapes(text: string): string {
  if (text.indexOf('%') < 0) return text
  let plain = ''
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== PERCENT || !isEscape(text, i)) {
      plain += text[i]
      continue
    }
    const digits = text.slice(i + 1, i + 3)
    const char = String.fromCharCode(Number.parseInt(digits, 16))
    plain += char > ' ' && char !== '%' && !RESERVED.includes(char) ? char : `%${digits.toUpperCase()}`
    i += 2
  }
  return plain
}
