import { describe, expect, it } from 'vitest'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const SELF = `sip:${DOMAIN}`
const BOB = `sip:bob@${DOMAIN}`

interface Setup {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  readonly bob: Phone
}

function setUp(override: SettingsOverride = {}): Setup {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', override, new TestAccounts().add('alice').add('bob'))
  const bob = world.phone('bob', node)
  bob.register()
  return { world, node, alice: world.phone('alice', node), bob }
}

describe('the same request by two ways', () => {
  it('S3261-8.2.2-02 S-21 is 482 the second time when it is for this node, whatever its branch', () => {
    const { alice, world } = setUp()
    const again = { callId: 'fork-1', fromTag: 'f1', cseq: 7 }
    alice.request('OPTIONS', SELF, { ...again, branch: 'z9hG4bKone' })
    alice.request('OPTIONS', SELF, { ...again, branch: 'z9hG4bKtwo' })
    // A retransmission is no second request.
    alice.request('OPTIONS', SELF, { ...again, branch: 'z9hG4bKone' })
    expect(alice.statuses('OPTIONS')).toEqual([200, 482, 200])
    alice.request('OPTIONS', SELF, { ...again, cseq: 8, branch: 'z9hG4bKthree' })
    alice.request('OPTIONS', SELF, { ...again, fromTag: 'f2', branch: 'z9hG4bKfour' })
    expect(alice.statuses('OPTIONS').slice(3)).toEqual([200, 200])
    world.advance(33_000)
    alice.request('OPTIONS', SELF, { ...again, branch: 'z9hG4bKfive' })
    expect(alice.statuses('OPTIONS').at(-1)).toBe(200)
  })

  it('S3261-8.2.2-02 S3261-10.3-14 a REGISTER that is being worked on is merged, too; later it is out of order', () => {
    const { node, world, alice } = setUp()
    node.publishAnswer = () => undefined
    const again = { callId: 'reg-1', fromTag: 'f1', cseq: 7 }
    alice.register({ ...again, branch: 'z9hG4bKone' })
    alice.register({ ...again, branch: 'z9hG4bKtwo' })
    expect(alice.statuses('REGISTER')).toEqual([482])
    const publish = node.actions.findLast((action) => action.kind === 'publish')!
    node.input({ kind: 'published', id: publish.kind === 'publish' ? publish.id : 0, outcome: { ok: true } })
    world.settle()
    alice.register({ ...again, branch: 'z9hG4bKthree' })
    expect(alice.statuses('REGISTER')).toEqual([482, 200, 500])
  })

  it('S3261-8.2.2-02 S3261-16.3-06 a proxy passes both on', () => {
    const { alice, bob } = setUp()
    const again = { callId: 'fork-1', fromTag: 'f1', cseq: 7 }
    alice.request('MESSAGE', BOB, { ...again, branch: 'z9hG4bKone' })
    alice.request('MESSAGE', BOB, { ...again, branch: 'z9hG4bKtwo' })
    expect(bob.requests('MESSAGE')).toHaveLength(2)
    expect(alice.statuses('MESSAGE')).toEqual([])
  })
})

describe('content that this node would have to understand', () => {
  const sent = (...extra: string[]): { status: number; headers: (string | undefined)[] } => {
    const { alice } = setUp()
    alice.request('OPTIONS', SELF, { body: 'v=0\r\n', extra })
    const answer = alice.last()
    const names = ['accept', 'accept-encoding', 'accept-language'] as const
    return { status: answer.status, headers: names.map((name) => answer.header(name)) }
  }

  it.each([
    [['Content-Type: text/html']],
    [['Content-Type: application/sdp', 'Content-Encoding: gzip']],
    [['Content-Type: application/sdp', 'Content-Language: fr, de-CH']],
    [['Content-Type: text/html', 'Content-Disposition: session;handling=required']],
    [['Content-Type: text/html', 'Content-Disposition: render;note="handling=optional"']],
  ])('S3261-8.2.3-01 E42 %j is 415 with all that would do', (extra) => {
    expect(sent(...extra)).toEqual({ status: 415, headers: ['application/sdp', 'identity', 'en'] })
  })

  it.each([
    [['Content-Type: application/sdp']],
    [['Content-Type: APPLICATION/SDP; charset=utf-8', 'Content-Encoding: identity']],
    [['Content-Type: application/sdp', 'Content-Language: fr, en-GB']],
    [['Content-Type: text/html', 'Content-Disposition: render; handling=optional']],
    [['Content-Type: text/html', 'Content-Disposition: x ; Handling = Optional']],
  ])('S3261-8.2.3-01 E42 %j is no hindrance', (extra) => {
    expect(sent(...extra).status).toBe(200)
  })

  const PART = 'Content-Type: application/x-maker-request+xml\r\n'
  const OPTIONAL = 'Content-Disposition: session;\r\n handling=optional\r\n'
  const multipart = (body: string, params = ';boundary=b'): number => {
    const { alice } = setUp()
    alice.register({ body, extra: [`Content-Type: multipart/mixed${params}`] })
    return alice.last().status
  }

  it('S3261-8.2.3-01 S-05 of several parts, as some makers put them into a REGISTER, none may have to be understood', () => {
    const optional = `--b\r\n${PART}${OPTIONAL}\r\n<x/>\r\n`
    const sdp = '--b \r\nContent-Type: application/sdp\r\n\r\nv=0\r\n'
    expect(multipart(`${optional}--b--\r\n`)).toBe(200)
    expect(multipart(`for whom it may concern\r\n${sdp}${optional}--b--`, '; Boundary="b"')).toBe(200)
    expect(multipart(`${optional}--b\r\n${PART}\r\n<x/>\r\n--b--`)).toBe(415)
    expect(multipart(`${optional}--b\r\n\r\nplain\r\n--b--`)).toBe(415)
    expect(multipart(`${optional.repeat(16)}--b--`)).toBe(200)
  })

  it('S-05 a multipart body without boundary, without end, with too many parts or none that can be read is 415', () => {
    const optional = `--b\r\n${PART}${OPTIONAL}\r\n<x/>\r\n`
    for (const params of ['', ';boundary=', ';boundary="', ';boundary=c', ';boundary=b;boundary=b'])
      expect(multipart(`${optional}--b--`, params), params).toBe(415)
    for (const body of [
      optional,
      `${optional}--b`,
      `${optional.repeat(17)}--b--`,
      '--bb\r\n\r\n--b--',
      '--b\r\n',
    ])
      expect(multipart(body), body).toBe(415)
    expect(multipart('--b'.repeat(80_000))).toBe(415)
    expect(multipart('\r\n--b'.repeat(50_000))).toBe(415)
  })

  it('S3261-8.2.3-01 S-12 S-05 a proxy looks into no body, whatever its type, and passes it on', () => {
    const { alice, bob } = setUp()
    const body = 'c=IN IP4 '.repeat(1000)
    const nested = 'multipart/mixed;boundary=a'
    for (const type of ['application/sdp', nested, `${nested};boundary=b`, 'multipart/mixed'])
      alice.request('MESSAGE', BOB, { body, extra: [`Content-Type: ${type}`] })
    expect(bob.requests('MESSAGE').map((m) => Buffer.from(m.body).toString())).toEqual([
      body,
      body,
      body,
      body,
    ])
  })
})

describe('a request that takes its time', () => {
  it('S-TX-01 RFC 4320 s.4.1 says 100 from 3.5 s on and not sooner, and no late 408', () => {
    const { world, alice, bob } = setUp()
    bob.drop = true
    alice.request('MESSAGE', BOB, { extra: ['Timestamp: 54'] })
    world.advance(3_499)
    expect(alice.statuses('MESSAGE')).toEqual([])
    world.advance(1)
    expect(alice.statuses('MESSAGE')).toEqual([100])
    expect(alice.last().header('timestamp')).toBe('54')
    expect(alice.last().to.params.has('tag')).toBe(false)
    world.advance(60_000)
    expect(alice.statuses('MESSAGE')).toEqual([100])
  })

  it('S-TX-01 who has answered by then says nothing more', () => {
    const { world, alice, bob } = setUp()
    alice.request('MESSAGE', BOB)
    bob.respond(bob.requests('MESSAGE')[0]!, 200)
    alice.request('OPTIONS', BOB)
    bob.respond(bob.requests('OPTIONS')[0]!, 183)
    world.advance(10_000)
    expect(alice.statuses('MESSAGE')).toEqual([200])
    expect(alice.statuses('OPTIONS')).toEqual([183])
  })

  it('S-TX-01 a REGISTER that waits for the overlay is no exception', () => {
    const { world, node, alice } = setUp()
    node.publishAnswer = () => undefined
    alice.register()
    world.advance(3_500)
    expect(alice.statuses('REGISTER')).toEqual([100])
    const publish = node.actions.findLast((action) => action.kind === 'publish')!
    node.input({ kind: 'published', id: publish.kind === 'publish' ? publish.id : 0, outcome: { ok: true } })
    world.settle()
    expect(alice.statuses('REGISTER')).toEqual([100, 200])
  })

  it('S3261-8.2.6-02 S3261-17.2-02 an INVITE is answered with 100 at once, with its Timestamp', () => {
    const { alice } = setUp()
    alice.request('INVITE', BOB, { extra: ['Timestamp: 54.1'] })
    expect(alice.responses('INVITE', 100)[0]!.header('timestamp')).toBe('54.1')
  })
})
