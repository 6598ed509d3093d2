/** Reads single headers out of the text of a recorded message. For display only: nothing is decided by it. */

export function startLineOf(text: string): string {
  const line = text.slice(0, text.indexOf('\n') < 0 ? text.length : text.indexOf('\n'))
  return line.startsWith('SIP/2.0 ') ? line.slice('SIP/2.0 '.length) : line.replace(/ SIP\/2\.0$/, '')
}

/** Value of the first header of that name or compact form; '' when there is none. */
export function headerOf(text: string, name: string, compact: string): string {
  for (const line of text.split('\n').slice(1)) {
    if (line === '') return ''
    const colon = line.indexOf(':')
    const found = line.slice(0, colon).trim().toLowerCase()
    if (found === name || (compact !== '' && found === compact)) return line.slice(colon + 1).trim()
  }
  return ''
}

/** `"Alice" <sip:alice@x>;tag=1`: `alice@x`. */
export function addressIn(value: string): string {
  const open = value.indexOf('<')
  const close = value.indexOf('>', open)
  const uri = open >= 0 && close > open ? value.slice(open + 1, close) : (value.split(';')[0] ?? '')
  return uri.replace(/^sips?:/i, '').split(';')[0] ?? ''
}
