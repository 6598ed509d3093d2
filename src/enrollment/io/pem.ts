/** Textual encoding of certificates and keys (RFC 7468). */

export interface PemBlock {
  readonly label: string
  /** The block as it stands there, with its first and last line. */
  readonly text: string
  readonly der: Uint8Array
}

const LINE_CHARACTERS = 64

/** One block; RFC 7468 s.3: 64 characters a line. */
export function pem(label: string, der: Uint8Array): string {
  const text = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64')
  let lines = ''
  for (let at = 0; at < text.length; at += LINE_CHARACTERS)
    lines += `${text.slice(at, at + LINE_CHARACTERS)}\n`
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`
}

/** All blocks of a text, in their order; what stands between them is passed over. */
export function pemBlocks(text: string): PemBlock[] {
  const found = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]+)-----END \1-----/g)
  return [...found].map(([block, label = '', body = '']) => ({
    label,
    text: block,
    der: Uint8Array.from(Buffer.from(body, 'base64')),
  }))
}
