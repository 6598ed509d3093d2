/** Properties of the SIP parser, the edit and the framer over generated, bent and random messages. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readFileSync, readdirSync } from 'node:fs'
import {
  Edit,
  buildResponse,
  canonicalAor,
  formatUri,
  parseMessage,
  parseNameAddr,
  parseUri,
  parseVia,
  quote,
  statelessTag,
  unquote,
  urisEqual,
  validateRequest,
  type SipMessage,
} from '../../src/sip/message/index.ts'
import { StreamFramer, type FramerOutput } from '../../src/sip/transport/index.ts'
import { parseDigest } from '../../src/sip/auth/index.ts'

const RUNS = { numRuns: 300 }
const secret = new Uint8Array(32)
const folder = new URL('../vectors/rfc4475/', import.meta.url)
const torture = readdirSync(folder)
  .filter((file) => file.endsWith('.dat'))
  .map((file) => readFileSync(new URL(file, folder)))

const token = fc.string({ unit: fc.constantFrom(..."abcXYZ019-.!%*_+`'~"), minLength: 1, maxLength: 12 })
const value = fc
  .string({ unit: fc.constantFrom(...'ab ;,<>"\\()=:@/%é\0'), maxLength: 30 })
  .map((text) => text.trim())
const blank = fc.constantFrom('', ' ', '\t', ' \r\n ', '\r\n\t')

/** Well-framed messages with odd but legal spacing, order, names and values. */
const wellFormed = fc
  .record({
    method: fc.constantFrom('INVITE', 'REGISTER', 'OPTIONS', 'x-%41'),
    user: fc.string({ unit: fc.constantFrom(...'abc19-_.!~*()&=+$,;?/'), minLength: 1, maxLength: 10 }),
    branch: token,
    gap: blank,
    extras: fc.array(fc.tuple(token, value), { maxLength: 8 }),
    routes: fc.array(token, { maxLength: 4 }),
    commas: fc.boolean(),
    compact: fc.boolean(),
    body: fc.uint8Array({ maxLength: 40 }),
    cseq: fc.integer({ min: 0, max: 0xffff_ffff }),
  })
  .map((parts) => {
    const name = (long: string, short: string): string => (parts.compact ? short : long)
    const routes = parts.routes.map((host) => `<sip:${host.replace(/[^a-z0-9]/gi, 'x')};lr>`)
    const lines = [
      `${parts.method} sip:${parts.user}@example.com SIP/2.0`,
      `${name('Via', 'v')}:${parts.gap}SIP/2.0/UDP h.example.com:5062;branch=z9hG4bK${parts.branch};rport`,
      ...parts.extras.map(([header, text]) => `X-${header}:${parts.gap}${text}`),
      ...(parts.commas && routes.length > 0
        ? [`Route: ${routes.join(` ,${parts.gap}`)}`]
        : routes.map((route) => `Route: ${route}`)),
      `${name('From', 'f')}: "A \\" B"${parts.gap}<sip:a@example.com>;tag=1`,
      `${name('To', 't')} :${parts.gap}<sip:${parts.user}@example.com>`,
      `${name('Call-ID', 'i')}: ${parts.branch}`,
      `CSeq: ${parts.cseq}${parts.gap === '' ? ' ' : parts.gap}${parts.method}`,
      `${name('Content-Length', 'l')}: ${parts.body.length}`,
    ]
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), parts.body])
  })

/** Torture messages with bytes changed, removed and put in. */
const bent = fc
  .tuple(
    fc.constantFrom(...torture),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }),
  )
  .map(([bytes, changes]) => {
    let out = Buffer.from(bytes)
    for (const [at, kind, byte] of changes) {
      const place = at % (out.length + 1)
      const odd = Buffer.of(kind === 2 ? byte : ('\r\n"<>;,:@ =%'.charCodeAt(byte % 12) as number))
      out = Buffer.concat([
        out.subarray(0, place),
        kind === 0 ? Buffer.alloc(0) : odd,
        out.subarray(kind === 1 ? place : place + 1),
      ])
    }
    return out
  })

const anything = fc.oneof(
  bent,
  wellFormed,
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
)

/** Reads everything that a message has. */
function readAll(message: SipMessage): void {
  void [
    message.requestUri,
    message.uri,
    message.reasonPhrase,
    message.body,
    message.topVia.params,
    message.topVia.raw,
  ]
  void [
    message.viaCount,
    message.vias(),
    message.nextVia,
    message.callId,
    message.cseq,
    message.from,
    message.to,
  ]
  void [message.maxForwards, message.contacts(), message.routes(), message.contentLength, message.byteLength]
  for (const name of ['x-a', 'contact', '__proto__', 'route'])
    void [message.header(name), message.headers(name), message.values(name)]
}

function kinds(outputs: readonly FramerOutput[]): string[] {
  return outputs.map((output) => {
    if (output.kind === 'message')
      return `message ${output.message.byteLength} ${Buffer.from(new Edit(output.message).toBytes()).toString('latin1')}`
    return output.kind === 'ping'
      ? 'ping'
      : `fault ${output.fault.status} ${output.fault.reason} ${output.fault.close}`
  })
}

describe('properties of SIP messages', () => {
  it('S-PA-02 nothing throws, whatever the bytes; replies can be built from every fault', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const parsed = parseMessage(bytes)
        const message = parsed.ok ? parsed.value : parsed.error.partial
        if (message === undefined) return
        readAll(message)
        const fault = parsed.ok ? (message.isRequest ? validateRequest(message) : undefined) : parsed.error
        const edit = new Edit(message)
        edit.prepend('via', 'SIP/2.0/UDP x')
        edit.removeFirst('route')
        edit.replaceTopVia('SIP/2.0/UDP y')
        edit.decrementMaxForwards()
        edit.toBytes()
        if (fault?.status !== undefined && message.isRequest) {
          const reply = buildResponse(message, fault.status, fault.reason, {
            toTag: statelessTag(secret, message),
            ...(fault.headers === undefined ? {} : { headers: fault.headers }),
          })
          expect(Buffer.from(reply).toString('latin1').startsWith(`SIP/2.0 ${fault.status} `)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('S-PA-02 no reply to a request carries a line that the request did not have as a line', () => {
    fc.assert(
      fc.property(bent, (bytes) => {
        const parsed = parseMessage(bytes)
        const message = parsed.ok ? parsed.value : parsed.error.partial
        if (message === undefined || !message.isRequest) return
        const reply = Buffer.from(buildResponse(message, 400, 'Bad', { toTag: 't' })).toString('latin1')
        const bare = reply.replaceAll('\r\n', '')
        expect(bare.includes('\n') || bare.includes('\r')).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('S3261-16.3-02 S3261-16.6-01 an edit without changes gives the same bytes', () => {
    fc.assert(
      fc.property(wellFormed, (bytes) => {
        const parsed = parseMessage(bytes)
        expect(parsed.ok).toBe(true)
        if (parsed.ok) expect(Buffer.from(new Edit(parsed.value).toBytes()).equals(bytes)).toBe(true)
      }),
      RUNS,
    )
  })

  it('S3261-16.6-01 what was prepended and taken off again leaves no trace, and what stays reads the same', () => {
    fc.assert(
      fc.property(wellFormed, (bytes) => {
        const parsed = parseMessage(bytes)
        if (!parsed.ok) throw new Error(parsed.error.reason)
        const { value: message } = parsed
        const same = new Edit(message)
        same.prepend('via', 'SIP/2.0/UDP x')
        same.prepend('route', '<sip:new;lr>')
        same.removeFirst('route')
        same.removeFirst('via')
        expect(Buffer.from(same.toBytes()).equals(bytes)).toBe(true)

        const forward = new Edit(message)
        forward.requestUri('sip:next@example.net')
        forward.removeFirst('route')
        forward.decrementMaxForwards()
        forward.prepend('via', 'SIP/2.0/UDP me;branch=z9hG4bKme')
        const again = parseMessage(forward.toBytes())
        if (!again.ok) throw new Error(again.error.reason)
        expect(again.value.values('route')).toEqual(message.values('route').slice(1))
        expect(again.value.values('via')).toEqual([
          'SIP/2.0/UDP me;branch=z9hG4bKme',
          ...message.values('via'),
        ])
        expect(again.value.from.raw).toBe(message.from.raw)
        expect(Buffer.from(again.value.body).equals(Buffer.from(message.body))).toBe(true)
      }),
      RUNS,
    )
  })

  it('S3261-18.3-01 S5626-5.4-01 any split of a stream gives what the whole gives', () => {
    const stream = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: wellFormed },
        {
          weight: 1,
          arbitrary: fc.constantFrom('\r\n', '\r\n\r\n', '\r\n\r\n\r\n').map((text) => Buffer.from(text)),
        },
        { weight: 1, arbitrary: bent },
      ),
      {
        maxLength: 5,
      },
    )
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (parts, cuts) => {
        const bytes = Buffer.concat(parts)
        const whole = kinds(new StreamFramer().push(bytes, 0))
        const framer = new StreamFramer()
        const split: string[] = []
        const places = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b)
        for (let i = 1; i < places.length; i++)
          split.push(...kinds(framer.push(Buffer.from(bytes.subarray(places[i - 1], places[i])), 0)))
        expect(split).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })

  it('S3261-19.1-01 a URI equals itself and its formatted parts', () => {
    const uri = fc
      .tuple(
        fc.constantFrom('sip', 'SIPS'),
        token,
        fc.constantFrom('Example.com', '[2001:DB8::1]', '192.0.2.1'),
        fc.option(fc.nat({ max: 65_535 })),
        fc.uniqueArray(fc.constantFrom('lr', 'transport=tcp', 'x=1', '__proto__=2')),
      )
      .map(
        ([scheme, user, host, port, params]) =>
          `${scheme}:${user.replace(/[%`]/g, '-')}@${host}${port === null ? '' : `:${port}`}${params.map((param) => `;${param}`).join('')}`,
      )
    fc.assert(
      fc.property(uri, (text) => {
        const parsed = parseUri(text)
        if (parsed === undefined) throw new Error(text)
        expect(urisEqual(text, formatUri(parsed))).toBe(true)
        const aor = canonicalAor(text)
        if (aor.ok) expect(canonicalAor(formatUri({ ...parsed, params: undefined }))).toEqual(aor)
      }),
      RUNS,
    )
  })

  it('quoted strings come back', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/[\r\n]/.test(text)),
        (text) => {
          expect(unquote(quote(text))).toBe(text)
        },
      ),
      RUNS,
    )
  })

  it('S-PA-02 S-06 the value parsers never throw', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.string({ unit: fc.constantFrom(...'sip:SIP/2.0UDPDigest []<>"\\;,=@%4?&:'), maxLength: 80 }),
    )
    fc.assert(
      fc.property(texts, (text) => {
        parseUri(text)
        parseVia(text)
        parseNameAddr(text)
        canonicalAor(text)
        parseDigest(text)
        parseDigest(`Digest ${text}`)
      }),
      { numRuns: 3000 },
    )
  })
})
