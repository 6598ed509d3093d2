/**
 * Broken SIP messages in the manner of PROTOS c07-sip: valid ones in which a value is replaced by one that has broken parsers before,
 * headers are multiplied, left out or put in disorder, and bytes are changed. Everything follows from the random source.
 */
import type { Random } from '../../src/common/random.ts'

/** Values that have broken parsers: overflows, format strings, numbers at the edge, odd delimiters, foreign bytes. */
const ANOMALIES: readonly string[] = [
  '',
  ' ',
  '\t',
  '\0',
  '\r\n ',
  'a'.repeat(17),
  'a'.repeat(257),
  'a'.repeat(4_097),
  'a'.repeat(30_000),
  ' '.repeat(1_025),
  '\0'.repeat(129),
  '%s%s%s%n%n',
  '%00',
  '%'.repeat(300),
  '%zz',
  '%2',
  '0',
  '-1',
  '+5',
  '1e3',
  '0x10',
  '00000000000000000001',
  '255',
  '256',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '18446744073709551616',
  '9'.repeat(99),
  '"',
  '""',
  '"\\',
  '"unbalanced',
  '"\\"\\"\\"',
  '<',
  '>',
  '<<<<>>>>',
  '<>',
  ';',
  ';;,,;;',
  ','.repeat(200),
  ';'.repeat(200),
  ';a=b'.repeat(400),
  ';__proto__=x;constructor=y',
  '@',
  '@@@@',
  '=',
  ':',
  ':::::',
  '?',
  '?a=b&c=d&'.repeat(50),
  '&',
  '(',
  ')',
  '['.repeat(20),
  '[::1',
  '[:::]',
  '[2001:db8:::192.0.2.1]',
  '[fe80::1%25eth0]',
  '255.255.255.255',
  '0.0.0.0',
  '224.0.0.1',
  '999.999.999.999',
  '1.2.3.4.5',
  '\u00ff\u00fe',
  '\u00c0\u00af',
  '\u00f8\u0088\u0080\u0080\u0080',
  '\u001b[31m',
  '\u001b]0;x\u0007',
  '{"a":1}',
  "' OR 1=1 --",
  '../../../../etc/passwd',
  'sip:',
  'sip:@',
  'sip:;',
  'sip:%00@%00',
  'sip:a@b;transport=',
  'sip:a@b:99999',
  'sip:a@b:-1',
  'sip:a@[::ffff:192.0.2.1]:5060;maddr=[::1];ttl=256;lr;method=INVITE?Route=%3Csip:x%3E',
  'sips:sips:sips:a@b',
  'tel:+1-555-1234;phone-context=+1',
  'urn:service:sos',
  'javascript:alert(1)',
  'cid:a@b',
  'z9hG4bK',
  'z9hG4bK' + 'x'.repeat(600),
  'SIP/2.0/UDP',
  'SIP/2.0/UDP ;branch=',
  'SIP / 2.0 / UDP h ; branch = z9hG4bK1 ; rport ; received = [::1]',
  'Digest ' + 'a=b,'.repeat(100),
  'Digest username="a", realm="dht.example.com", nonce="", uri="", response=""',
  '*',
  '*;expires=0',
  '*;audio;require;explicit',
  '<sip:a@b>;expires=0;expires=1',
  '<sip:a@b;lr>,'.repeat(80) + '<sip:c@d;lr>',
  '1 INVITE',
  '2147483648 INVITE',
  '1  ',
]

const METHODS: readonly string[] = [
  'INVITE',
  'REGISTER',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'MESSAGE',
  'SUBSCRIBE',
]
const HEADERS: readonly string[] = [
  ...[
    'Via',
    'Route',
    'Record-Route',
    'Contact',
    'Path',
    'Require',
    'Proxy-Require',
    'Supported',
    'Accept-Contact',
  ],
  ...[
    'Reject-Contact',
    'Request-Disposition',
    'Max-Forwards',
    'Max-Breadth',
    'Expires',
    'Content-Length',
    'CSeq',
  ],
  ...[
    'Authorization',
    'Proxy-Authorization',
    'P-Asserted-Identity',
    'Privacy',
    'Session-Expires',
    'Min-SE',
    'Event',
  ],
  ...[
    'Content-Type',
    'Content-Encoding',
    'Timestamp',
    'Date',
    'Warning',
    'Call-ID',
    'To',
    'From',
    'Join',
    'Replaces',
  ],
]
const COMPACT: ReadonlyMap<string, string> = new Map([
  ...[['via', 'v'] as const, ['from', 'f'] as const, ['to', 't'] as const, ['call-id', 'i'] as const],
  ...[
    ['contact', 'm'] as const,
    ['content-length', 'l'] as const,
    ['supported', 'k'] as const,
    ['event', 'o'] as const,
  ],
])

export class SipMutator {
  private readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  /** One to four faults in a message, now and then none at all. */
  mutate(message: string): Buffer {
    const { random } = this
    if (random.int(20) === 0) return Buffer.from(message, 'latin1')
    let lines = message.split('\r\n')
    const faults = 1 + random.int(4)
    for (let i = 0; i < faults; i++) lines = this.lineFault(lines)
    const bytes = Buffer.from(lines.join(random.int(25) === 0 ? '\n' : '\r\n'), 'latin1')
    return random.int(5) === 0 ? this.byteFault(bytes) : bytes
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.int(list.length)] as T
  }

  private lineFault(lines: readonly string[]): string[] {
    const { random } = this
    const out = [...lines]
    const headEnd = Math.max(1, out.indexOf(''))
    const at = random.int(4) === 0 ? 0 : random.int(headEnd)
    const line = out[at] ?? ''
    switch (random.int(14)) {
      case 0:
      case 1:
      case 2:
        out[at] = this.withValue(line, this.pick(ANOMALIES))
        return out
      case 3:
      case 4:
        out[at] = this.withPart(line, this.pick(ANOMALIES))
        return out
      case 5:
        out[at] = insertAt(line, random.int(line.length + 1), this.pick(ANOMALIES))
        return out
      case 6:
        out.splice(at, 1)
        return out
      case 7:
        out.splice(at, 0, ...new Array<string>(1 + random.int(3)).fill(line))
        return out
      case 8:
        out.splice(1 + random.int(headEnd), 0, `${this.pick(HEADERS)}: ${this.pick(ANOMALIES)}`)
        return out
      case 9:
        out.splice(at, 0, ...new Array<string>(this.pick([5, 60, 300])).fill(out[random.int(headEnd)] ?? ''))
        return out
      case 10:
        out[at] = this.renamed(line)
        return out
      case 11: {
        const other = random.int(headEnd)
        ;[out[at], out[other]] = [out[other] ?? '', line]
        return out
      }
      case 12:
        out[0] = (out[0] ?? '').replace(/^\S+/, this.pick(METHODS))
        return out
      default:
        out[at] = line.replace(/\d+/, this.pick(ANOMALIES))
        return out
    }
  }

  private withValue(line: string, value: string): string {
    const colon = line.indexOf(':')
    return colon < 0 ? value : `${line.slice(0, colon + 1)} ${value}`
  }

  /** Puts the anomaly in the place of one piece between delimiters. */
  private withPart(line: string, anomaly: string): string {
    const parts = line.split(/([\s;,:=<>@"]+)/)
    parts[this.random.int(parts.length)] = anomaly
    return parts.join('')
  }

  private renamed(line: string): string {
    const colon = line.indexOf(':')
    if (colon < 0) return line.toLowerCase()
    const name = line.slice(0, colon)
    const rest = line.slice(colon)
    const compact = COMPACT.get(name.toLowerCase())
    return this.pick([
      `${name.toUpperCase()}${rest}`,
      `${compact ?? name.toLowerCase()}${rest}`,
      `${name} \t${rest}`,
      ` ${name}${rest}`,
      `${name}${rest.slice(1)}`,
      `${name}:\r\n ${rest.slice(1)}`,
      `${this.pick(HEADERS)}${rest}`,
    ])
  }

  private byteFault(bytes: Buffer): Buffer {
    const { random } = this
    const at = random.int(bytes.length + 1)
    switch (random.int(6)) {
      case 0:
        return bytes.subarray(0, at)
      case 1:
        return Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(random.bytes(1 + random.int(40))),
          bytes.subarray(at),
        ])
      case 2:
        return Buffer.concat([
          bytes.subarray(0, at),
          bytes.subarray(Math.min(bytes.length, at + 1 + random.int(40))),
        ])
      case 3:
        return Buffer.concat([bytes, bytes.subarray(at)])
      default: {
        const bent = Buffer.from(bytes)
        for (let i = 0; i <= random.int(8); i++)
          if (bent.length > 0) bent[random.int(bent.length)] = random.int(256)
        return bent
      }
    }
  }
}

function insertAt(text: string, at: number, what: string): string {
  return text.slice(0, at) + what + text.slice(at)
}
