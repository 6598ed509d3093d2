/**
 * The same SIP message as phones of many makers would write it: other cases, compact names, folded lines, lists in one line or many,
 * spaces where the grammar has room for them, escapes that need not be, parameters in another order. One phone writes all its messages
 * alike, so that what has to be the same in two of them (RFC 3261 s.9.1, s.17.1.1.3) is.
 */
import type { Random } from '../../src/common/random.ts'

/** For each liberty 0 when the phone does not take it, or 1 to 3: how it does. */
export interface Handwriting {
  readonly names: number
  readonly colons: number
  readonly lists: number
  readonly folds: number
  readonly semicolons: number
  readonly equals: number
  readonly escapes: number
  readonly parameterCase: number
  readonly schemes: number
  readonly hosts: number
  readonly parameterOrder: number
  readonly looseRoutes: number
  readonly displayNames: number
  readonly digests: number
  readonly order: number
  readonly versions: number
  readonly leftOut: number
  readonly lineEnds: number
  readonly others: number
}

interface Header {
  readonly name: string
  readonly value: string
}

const COMPACT: Readonly<Record<string, string>> = {
  via: 'v',
  from: 'f',
  to: 't',
  'call-id': 'i',
  contact: 'm',
  'content-length': 'l',
}
/** Headers whose values may stand in one line or in several (RFC 3261 s.7.3.1). */
const LISTS = new Set(['via', 'route', 'record-route', 'contact'])

export function handwriting(random: Random): Handwriting {
  const way = (): number => (random.int(2) === 0 ? 0 : 1 + random.int(3))
  return {
    names: way(),
    colons: way(),
    lists: way(),
    folds: way(),
    semicolons: way(),
    equals: way(),
    escapes: way(),
    parameterCase: way(),
    schemes: way(),
    hosts: way(),
    parameterOrder: way(),
    looseRoutes: way(),
    displayNames: way(),
    digests: way(),
    order: way(),
    versions: way(),
    leftOut: way(),
    lineEnds: way(),
    others: way(),
  }
}

/** The message in that handwriting. `datagram`: its end is that of the message, with or without Content-Length. */
export function written(text: string, hand: Handwriting, datagram: boolean): string {
  const end = text.indexOf('\r\n\r\n')
  const [start = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = lines.flatMap(separated).map((header) => valueWritten(header, hand))
  const all = ordered(joined(withOthers(withoutSome(headers, hand, datagram), hand), hand), hand)
  const before = ['', '\r\n', '\r\n\r\n', ''][hand.lineEnds] ?? ''
  const behind = hand.lineEnds === 3 && datagram && hand.leftOut !== 2 ? 'what nobody reads' : ''
  return [
    `${before}${startWritten(start, hand)}`,
    ...all.map((each) => lineWritten(each, hand)),
    `\r\n${text.slice(end + 4)}${behind}`,
  ].join('\r\n')
}

/** S3261-7.1: the version has no case for who reads it. */
function startWritten(start: string, hand: Handwriting): string {
  return hand.versions === 1 ? start.replace('SIP/2.0', 'Sip/2.0') : start
}

function separated(line: string): Header[] {
  const colon = line.indexOf(':')
  const name = line.slice(0, colon)
  const value = line.slice(colon + 1).trim()
  return LISTS.has(name.toLowerCase())
    ? partsOf(value).map((each) => ({ name, value: each }))
    : [{ name, value }]
}

/** Between commas that are neither in quotes nor in brackets. */
function partsOf(value: string): string[] {
  return (value.match(/(?:"[^"]*"|<[^>]*>|[^,"<])+/g) ?? ['']).map((part) => part.trim())
}

function valueWritten({ name, value }: Header, hand: Handwriting): Header {
  switch (name.toLowerCase()) {
    case 'route':
    case 'record-route':
      return { name, value: addressWritten(value, hand) }
    case 'contact':
      return { name, value: addressWritten(value, hand) }
    case 'via':
      return { name, value: spaced(viaWritten(value, hand), hand) }
    case 'cseq':
      return { name, value: hand.semicolons > 0 ? value.replace(' ', ' \t ') : value }
    case 'authorization':
    case 'proxy-authorization':
      return { name, value: digestWritten(value, hand) }
    default:
      return { name, value }
  }
}

function viaWritten(via: string, hand: Handwriting): string {
  if (hand.versions !== 1) return via
  return via.replace(/^SIP\/2\.0\/(\w+)/, (_, transport: string) => `sip / 2.0 / ${transport.toLowerCase()}`)
}

function addressWritten(value: string, hand: Handwriting): string {
  const [, name = '', uri = '', parameters = ''] = /^([^<]*)<([^>]*)>(.*)$/.exec(value) ?? []
  if (uri === '') return value
  const shown = name.trim() === '' ? (['', 'Two Words ', '"Du, x; y" ', '""'][hand.displayNames] ?? '') : name
  return `${shown}<${uriWritten(uri, hand)}>${spaced(parameters, hand)}`
}

function uriWritten(uri: string, hand: Handwriting): string {
  const [, scheme = '', user = '', host = '', rest = ''] =
    /^(sips?):(?:([^@]*)@)?([^;?]*)(.*)$/i.exec(uri) ?? []
  if (host === '') return uri
  const parameters = rest
    .split(';')
    .slice(1)
    .map((each) => parameterWritten(each, hand))
  if (hand.parameterOrder > 0) parameters.reverse()
  return [
    hand.schemes === 1 ? scheme.toUpperCase() : scheme,
    `:${user === '' ? '' : `${escaped(user, hand)}@`}`,
    hand.hosts === 1 ? host.toUpperCase() : host,
    ...parameters.map((each) => `;${each}`),
  ].join('')
}

/** Twinkle escapes every z, others what is no letter or digit. What is escaped already stays (RFC 3261 s.19.1.2). */
function escaped(user: string, hand: Handwriting): string {
  if (hand.escapes === 0 || user.includes('%')) return user
  const which = [/^$/, /z/gi, /[-_~.]/g, /./g][hand.escapes] as RegExp
  return user.replace(which, (char) => `%${char.charCodeAt(0).toString(16)}`)
}

function parameterWritten(parameter: string, hand: Handwriting): string {
  const [name = '', ...values] = parameter.split('=')
  const shown = hand.parameterCase === 1 ? name.toUpperCase() : name
  if (values.length > 0) {
    const value = values.join('=')
    return `${shown}=${name === 'transport' && hand.parameterCase === 2 ? value.toUpperCase() : value}`
  }
  const loose = ['', '=on', '=true', '=1'][hand.looseRoutes] ?? ''
  return name === 'lr' ? `${shown}${loose}` : shown
}

/** SEMI and EQUAL of the grammar have room around them (RFC 3261 s.25.1). */
function spaced(parameters: string, hand: Handwriting): string {
  const semicolon = [';', ' ; ', '\t;', ';\r\n '][hand.semicolons] ?? ';'
  const equal = hand.equals === 1 ? ' = ' : '='
  return parameters
    .split(/("[^"]*")/)
    .map((part, at) => (at % 2 === 1 ? part : part.replaceAll(';', semicolon).replaceAll('=', equal)))
    .join('')
}

function digestWritten(value: string, hand: Handwriting): string {
  const parts = partsOf(value.replace('Digest ', ''))
  if (hand.digests === 1) {
    const quoted = parts.map((part) => part.replace(/^(qop|algorithm)=(.*)$/, '$1="$2"'))
    return `Digest ${quoted.reverse().join(',')}`
  }
  if (hand.digests === 2)
    return `DIGEST ${parts.map((part) => part.replace(/^\w+=/, (name) => `${name.slice(0, -1).toUpperCase()} = `)).join(' , ')}`
  if (hand.digests === 3) return `Digest ${[...parts, 'opaque=""', 'other="a, b"'].join(',\r\n\t')}`
  return value
}

function withoutSome(headers: readonly Header[], hand: Handwriting, datagram: boolean): readonly Header[] {
  const gone = hand.leftOut === 1 ? 'max-forwards' : hand.leftOut === 2 && datagram ? 'content-length' : ''
  return headers.filter(({ name }) => name.toLowerCase() !== gone)
}

function withOthers(headers: readonly Header[], hand: Handwriting): readonly Header[] {
  if (hand.others === 1)
    return [...headers, { name: 'X-Odd', value: '\u00fc "open <, ;' }, { name: 'Subject', value: '' }]
  return hand.others === 2 ? [{ name: 'Allow', value: 'INVITE , ACK\r\n , BYE' }, ...headers] : headers
}

function joined(headers: readonly Header[], hand: Handwriting): readonly Header[] {
  if (hand.lists !== 1) return headers
  return grouped(headers).flatMap((group) =>
    LISTS.has(group[0]?.name.toLowerCase() ?? '')
      ? [{ name: group[0]?.name ?? '', value: group.map(({ value }) => value).join(' , ') }]
      : group,
  )
}

/** Only those of one name have an order among them (RFC 3261 s.7.3.1). */
function ordered(headers: readonly Header[], hand: Handwriting): readonly Header[] {
  return hand.order === 0 ? headers : grouped(headers).reverse().flat()
}

function grouped(headers: readonly Header[]): Header[][] {
  const groups = new Map<string, Header[]>()
  for (const header of headers) {
    const group = groups.get(header.name.toLowerCase()) ?? []
    group.push(header)
    groups.set(header.name.toLowerCase(), group)
  }
  return [...groups.values()]
}

function lineWritten({ name, value }: Header, hand: Handwriting): string {
  const plain = name.toLowerCase()
  const shown = [name, plain, name.toUpperCase(), COMPACT[plain] ?? name][hand.names] ?? name
  const colon = [': ', ' : ', ':', '\t:   '][hand.colons] ?? ': '
  const fold = hand.folds === 1 && value !== '' ? '\r\n ' : ''
  return `${shown}${colon}${fold}${value}${hand.folds === 2 ? '  ' : ''}`
}
