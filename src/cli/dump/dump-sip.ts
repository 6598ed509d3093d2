/** A SIP message: start line, header fields, body (RFC 3261 s.7). */

const LINES_MAX = 2_000

/** Undefined when the first line is not that of SIP. */
export function dumpSip(bytes: Uint8Array): { readonly text: string; readonly whole: boolean } | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const end = text.search(/\r?\n\r?\n/)
  const head = (end < 0 ? text : text.slice(0, end)).split(/\r?\n/)
  const [start = '', ...headers] = head
  const response = /^SIP\/2\.0 \d{3} /.test(start)
  if (!response && !/^[A-Z]+ \S+ SIP\/2\.0$/.test(start)) return undefined
  const lines = [
    `SIP ${response ? 'response (RFC 3261 s.7.2)' : 'request (RFC 3261 s.7.1)'}`,
    `  ${shown(start)}`,
  ]
  for (const header of headers.slice(0, LINES_MAX)) lines.push(`    ${shown(header)}`)
  if (end < 0) lines.push('  ! no empty line after the header')
  else {
    const body = text.slice(end).replace(/^\r?\n\r?\n/, '')
    lines.push(`  body: ${body.length} bytes`)
    if (body.length > 0)
      for (const line of body.split(/\r?\n/).slice(0, LINES_MAX)) lines.push(`    ${shown(line)}`)
  }
  return { text: lines.join('\n'), whole: end >= 0 }
}

/** Bytes that would act on a terminal are made visible. */
function shown(line: string): string {
  return line.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
