/**
 * The 49 messages of RFC 4475, byte for byte as in its appendix, against the verdicts of sip-requirements s.12, as far
 * as a parser can give them: over UDP through `parseMessage` and `validateRequest`, over TCP through the framer.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  Edit,
  canonicalAor,
  parseMessage,
  parseUri,
  percentDecode,
  validateRequest,
  type SipMessage,
} from '../../src/sip/message/index.ts'
import { BODY_COMPLETE_MS, StreamFramer } from '../../src/sip/transport/index.ts'

const FOLDER = new URL('./rfc4475/', import.meta.url)

function bytesOf(name: string): Buffer {
  return readFileSync(new URL(`${name}.dat`, FOLDER))
}

/** `ok`, `drop`, or status and reason of the reply. */
function verdictOf(bytes: Uint8Array, registrar = true): string {
  const parsed = parseMessage(bytes)
  const fault = parsed.ok
    ? parsed.value.isRequest
      ? validateRequest(parsed.value, { registrar, telRouting: false })
      : undefined
    : parsed.error
  if (fault === undefined) return 'ok'
  return fault.status === undefined ? 'drop' : `${fault.status} ${fault.reason}`
}

/** The verdicts on what a stream of these bytes holds; `close` when the stream must end, `wait` for more bytes. */
function streamVerdictOf(bytes: Uint8Array): string {
  const framer = new StreamFramer()
  const verdicts = framer.push(bytes, 0).map((output) => {
    if (output.kind === 'ping') return 'ping'
    const fault =
      output.kind === 'fault'
        ? output.fault
        : output.message.isRequest
          ? validateRequest(output.message)
          : undefined
    if (fault === undefined) return 'ok'
    return `${fault.status === undefined ? 'drop' : `${fault.status} ${fault.reason}`}${fault.close ? ' close' : ''}`
  })
  if (framer.pendingBytes > 0) verdicts.push('wait')
  return verdicts.join(', ')
}

function message(name: string): SipMessage {
  const parsed = parseMessage(bytesOf(name))
  if (!parsed.ok) throw new Error(parsed.error.reason)
  return parsed.value
}

interface Row {
  readonly name: string
  readonly section: string
  /** Over UDP. */
  readonly verdict: string
  readonly streamVerdict: string
}

// Name, section, verdict over UDP, verdict over a stream where it differs.
const VERDICTS: readonly Row[] = (
  [
    ['wsinv', '3.1.1.1', 'ok'],
    ['intmeth', '3.1.1.2', 'ok'],
    ['esc01', '3.1.1.3', 'ok'],
    ['escnull', '3.1.1.4', 'ok'],
    ['esc02', '3.1.1.5', 'ok'],
    ['lwsdisp', '3.1.1.6', 'ok'],
    ['longreq', '3.1.1.7', 'ok'],
    // On a stream the bytes after the REGISTER are an INVITE, and what follows its body is no message.
    ['dblreq', '3.1.1.8', 'ok', 'ok, ok, drop close'],
    ['semiuri', '3.1.1.9', 'ok'],
    ['transports', '3.1.1.10', 'ok'],
    ['mpart01', '3.1.1.11', 'ok'],
    ['unreason', '3.1.1.12', 'ok'],
    ['noreason', '3.1.1.13', 'ok'],
    ['badinv01', '3.1.2.1', '400 Bad Via'],
    ['clerr', '3.1.2.2', '400 Truncated Body', 'wait'],
    ['ncl', '3.1.2.3', '400 Bad Content-Length', '400 Bad Content-Length close'],
    ['scalar02', '3.1.2.4', '400 Bad CSeq'],
    ['scalarlg', '3.1.2.5', 'drop'],
    ['quotbal', '3.1.2.6', '400 Bad To'],
    ['ltgtruri', '3.1.2.7', '400 Bad Request-URI'],
    ['lwsruri', '3.1.2.8', '400 Bad Request-URI'],
    ['lwsstart', '3.1.2.9', '400 Bad Request-Line'],
    ['trws', '3.1.2.10', 'ok'],
    ['escruri', '3.1.2.11', '400 Bad Request-URI'],
    ['baddate', '3.1.2.12', 'ok'],
    ['regbadct', '3.1.2.13', '400 Bad Contact'],
    ['badaspec', '3.1.2.14', '400 Bad To'],
    // The file ends without the empty line; with it the verdict is on the display name (below).
    ['baddn', '3.1.2.15', '400 Incomplete Header', 'wait'],
    ['badvers', '3.1.2.16', '505 Version Not Supported'],
    ['mismatch01', '3.1.2.17', '400 CSeq Method Mismatch'],
    ['mismatch02', '3.1.2.18', '501 Not Implemented'],
    ['bigcode', '3.1.2.19', 'drop'],
    ['badbranch', '3.2.1', '400 Bad Branch'],
    ['insuf', '3.3.1', '400 Missing Call-ID'],
    ['unkscm', '3.3.2', '416 Unsupported URI Scheme'],
    ['novelsc', '3.3.3', '416 Unsupported URI Scheme'],
    ['unksm2', '3.3.4', '400 Bad AOR'],
    ['bext01', '3.3.5', 'ok'],
    ['invut', '3.3.6', 'ok'],
    ['regaut01', '3.3.7', 'ok'],
    ['multi01', '3.3.8', '400 Duplicate CSeq'],
    ['mcl01', '3.3.9', '400 Duplicate Content-Length', '400 Duplicate Content-Length close'],
    ['bcast', '3.3.10', 'drop'],
    ['zeromf', '3.3.11', 'ok'],
    ['cparam01', '3.3.12', 'ok'],
    ['cparam02', '3.3.13', 'ok'],
    ['regescrt', '3.3.14', 'ok'],
    ['sdp01', '3.3.15', 'ok'],
    ['inv2543', '3.4.1', 'ok', '400 Content-Length Required close'],
  ] as const
).map(([name, section, verdict, streamVerdict]) => ({
  name,
  section,
  verdict,
  streamVerdict: streamVerdict ?? verdict,
}))

describe('S-03 RFC 4475 torture messages', () => {
  it('S-03 has a verdict for each of the 49 messages', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.dat'))
    expect(files.length).toBe(49)
    expect(new Set(VERDICTS.map(({ name }) => `${name}.dat`))).toEqual(new Set(files))
  })

  it.each(VERDICTS)('S-03 $name (RFC 4475 s.$section) over UDP: $verdict', ({ name, verdict }) => {
    expect(verdictOf(bytesOf(name))).toBe(verdict)
  })

  it.each(VERDICTS)(
    'S-03 $name (RFC 4475 s.$section) over a stream: $streamVerdict',
    ({ name, streamVerdict }) => {
      expect(streamVerdictOf(bytesOf(name))).toBe(streamVerdict)
    },
  )

  it.each(VERDICTS)('S-03 $name (RFC 4475 s.$section) over a stream byte by byte is the same', ({ name }) => {
    const bytes = bytesOf(name)
    const framer = new StreamFramer()
    const kinds: string[] = []
    for (let i = 0; i < bytes.length; i++) {
      for (const output of framer.push(bytes.subarray(i, i + 1), 0)) kinds.push(output.kind)
    }
    expect(kinds).toEqual(new StreamFramer().push(bytes, 0).map((output) => output.kind))
  })

  it.each(VERDICTS.filter(({ verdict }) => verdict === 'ok'))(
    'S3261-16.3-02 $name (RFC 4475 s.$section) goes through an edit without changes byte for byte',
    ({ name }) => {
      const parsed = message(name)
      const out = Buffer.from(new Edit(parsed).toBytes())
      const whole = bytesOf(name).subarray(0, parsed.byteLength)
      if (name === 'trws')
        expect(out.toString('latin1')).toBe(whole.toString('latin1').replace('SIP/2.0  \r\n', 'SIP/2.0\r\n'))
      else expect(out.equals(whole)).toBe(true)
    },
  )
})

describe('S-03 RFC 4475 details', () => {
  it('wsinv: folding, odd case, leading zeros and opaque values read as their plain forms', () => {
    const invite = message('wsinv')
    expect(invite.to.uri).toBe('sip:vivekg@chair-dnrc.example.com')
    expect(invite.to.params.get('tag')).toBe('1918181833n')
    expect(invite.from.display).toBe('J Rosenberg \\"')
    expect(invite.from.params.get('tag')).toBe('98asjd8')
    expect(invite.maxForwards).toBe(68)
    expect(invite.cseq).toEqual({ number: 9, method: 'INVITE' })
    expect(invite.topVia).toMatchObject({ transport: 'UDP', host: '192.0.2.2', branch: '390skdjuw' })
    expect(invite.vias().map((via) => `${via.transport} ${via.host} ${via.branch}`)).toEqual([
      'UDP 192.0.2.2 390skdjuw',
      'TCP spindle.example.com z9hG4bK9ikj8',
      'UDP 192.168.255.111 z9hG4bK30239',
    ])
    expect(invite.header('newfangledheader')).toBe('newfangled value continued newfangled value')
    expect(invite.header('unknownheaderwithunusualvalue')).toBe(';;,,;;,;')
    expect(invite.routes().map((route) => route.uri)).toEqual([
      'sip:services.example.com;lr;unknownwith=value;unknown-no-value',
    ])
    const contacts = invite.contacts()
    expect(contacts.ok && contacts.value !== '*' && contacts.value[0]?.display).toBe('Quoted string ""')
    expect(invite.body.length).toBe(150)
  })

  it('intmeth: any token is a method, odd user characters and NUL in quotes stay', () => {
    const request = message('intmeth')
    expect(request.method).toBe("!interesting-Method0123456789_*+`.%indeed'~")
    expect(request.uri?.user).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    expect(request.uri?.password).toBe("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
    expect(request.to.display).toBe('BEL:\x07 NUL:\0 DEL:\x7f')
    expect(request.from.params.get('tag')).toBe("_token~1'+`*%!-.")
    expect(request.topVia.branch).toBe("z9hG4bK-.!%66*_+`'~")
    expect(request.callId).toBe('intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{')
  })

  it('esc01: escapes are undone once', () => {
    const request = message('esc01')
    expect(request.uri?.user).toBe('sips%3Auser%40example.com')
    expect(percentDecode(request.uri?.user ?? '')).toBe('sips:user@example.com')
    const to = parseUri(request.to.uri)
    expect(percentDecode(to?.user ?? '')).toBe('user')
    const contacts = request.contacts()
    const contact = contacts.ok && contacts.value !== '*' ? parseUri(contacts.value[0]?.uri ?? '') : undefined
    expect(contact?.user).toBe('cal%6Cer')
    expect([...(contact?.params ?? [])].map(([name, value]) => [name, percentDecode(value)])).toEqual([
      ['lr', ''],
      ['name', 'value%41'],
    ])
  })

  it('escnull: NUL in a user part cuts nothing off, and cannot be an overlay name (M-01)', () => {
    const request = message('escnull')
    expect(percentDecode(parseUri(request.to.uri)?.user ?? '')).toBe('null-\0-null')
    expect(canonicalAor(request.to.uri)).toEqual({ ok: false, error: 404 })
    const contacts = request.contacts()
    expect(contacts.ok && contacts.value !== '*' && contacts.value.map((contact) => contact.uri)).toEqual([
      'sip:%00@host5.example.com',
      'sip:%00%00@host5.example.com',
    ])
  })

  it('esc02: escapes mean nothing in methods and header names', () => {
    const request = message('esc02')
    expect(request.method).toBe('RE%47IST%45R')
    const contacts = request.contacts()
    expect(contacts.ok && contacts.value.length).toBe(2)
    expect(request.header('c%6fntact')).toBe('<sip:alias2@host2.example.com>')
  })

  it('longreq: nothing is cut', () => {
    const request = message('longreq')
    expect(request.viaCount).toBe(34)
    expect(request.vias().length).toBe(34)
  })

  it('dblreq: bytes after the body are no part of the message', () => {
    const request = message('dblreq')
    expect(request.method).toBe('REGISTER')
    expect(request.body.length).toBe(0)
    expect(request.byteLength).toBeLessThan(bytesOf('dblreq').length)
  })

  it('semiuri: the semicolon belongs to the user', () => {
    const { uri } = message('semiuri')
    expect(uri?.user).toBe('user;par=u%40example.net')
    expect(uri?.host).toBe('example.com')
    expect(uri?.params.size).toBe(0)
    // An `@` in a name cannot be looked up in the overlay.
    expect(canonicalAor(uri ?? '')).toEqual({ ok: false, error: 404 })
  })

  it('mpart01: a binary body keeps its NULs', () => {
    const request = message('mpart01')
    expect(request.body.length).toBe(request.contentLength)
    expect(request.body.includes(0)).toBe(true)
  })

  it('unreason, noreason: reason phrases in UTF-8 or none', () => {
    expect(Buffer.from(message('unreason').reasonPhrase, 'latin1').toString('utf8')).toContain('но')
    expect(message('noreason').reasonPhrase).toBe('')
    expect(message('noreason').status).toBe(100)
  })

  it('clerr: on a stream the body is awaited, then the connection is closed (E10)', () => {
    const framer = new StreamFramer()
    expect(framer.push(bytesOf('clerr'), 0)).toEqual([])
    expect(framer.nextDeadline()).toBe(BODY_COMPLETE_MS)
    expect(framer.expired(BODY_COMPLETE_MS - 1)).toBeUndefined()
    expect(framer.expired(BODY_COMPLETE_MS)).toMatchObject({ status: 408, close: true })
  })

  it('baddn: a comma in an unquoted display name', () => {
    expect(verdictOf(Buffer.concat([bytesOf('baddn'), Buffer.from('\r\n')]))).toBe('400 Bad To')
  })

  it('unksm2: a proxy forwards what a registrar refuses', () => {
    expect(verdictOf(bytesOf('unksm2'), false)).toBe('ok')
    expect(verdictOf(bytesOf('regbadct'), false)).toBe('ok')
  })

  it('cparam01, cparam02: parameters outside brackets are the header’s', () => {
    const bare = message('cparam01').contacts()
    const inBrackets = message('cparam02').contacts()
    if (!bare.ok || bare.value === '*' || !inBrackets.ok || inBrackets.value === '*')
      throw new Error('no contacts')
    expect(bare.value[0]?.uri).toBe('sip:+19725552222@gw1.example.net')
    expect([...(bare.value[0]?.params.keys() ?? [])]).toEqual(['unknownparam'])
    expect(inBrackets.value[0]?.uri).toBe('sip:+19725552222@gw1.example.net;unknownparam')
    expect(inBrackets.value[0]?.params.size).toBe(0)
  })

  it('regescrt: an escaped Route stays in the contact', () => {
    const contacts = message('regescrt').contacts()
    if (!contacts.ok || contacts.value === '*') throw new Error('no contacts')
    expect(parseUri(contacts.value[0]?.uri ?? '')?.headers).toBe('Route=%3Csip:sip.example.com%3E')
    expect(message('regescrt').routes()).toEqual([])
  })

  it('zeromf, inv2543: Max-Forwards 0 is read, absence is told apart', () => {
    expect(message('zeromf').maxForwards).toBe(0)
    const old = message('inv2543')
    expect(old.maxForwards).toBeUndefined()
    expect(old.topVia.branch).toBeUndefined()
    const edit = new Edit(old)
    edit.decrementMaxForwards()
    expect(Buffer.from(edit.toBytes()).toString('latin1')).toContain('Max-Forwards: 70\r\n')
  })
})
