import { describe, expect, it } from 'vitest'
import { parseMessage, parseParams } from '../../../../src/sip/message/index.ts'
import { callerPreferences, isUnsuitedFor } from '../../../../src/sip/proxy/caller-preferences.ts'
import { areCompatible, featureSet } from '../../../../src/sip/proxy/features.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type RequestInit,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

function parameters(text: string): ReadonlyMap<string, string> {
  const whole = text === '' ? '' : `;${text}`
  const parsed = parseParams(whole, 0, whole.length)
  if (parsed === undefined) throw new Error(text)
  return parsed
}

function request(method: string, ...extra: string[]): Parameters<typeof callerPreferences>[0] {
  const lines = [
    `${method} ${BOB} SIP/2.0`,
    'Via: SIP/2.0/UDP h;branch=z9hG4bK1',
    'From: <sip:a@b>;tag=1',
    `To: <${BOB}>`,
    'Call-ID: 1',
    `CSeq: 1 ${method}`,
    ...extra,
    'Content-Length: 0',
  ]
  const parsed = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))
  if (!parsed.ok) throw new Error(parsed.error.reason)
  return parsed.value
}

/** Qa of a contact for a request with these headers; undefined when it is left out. */
function judged(headers: readonly string[], contact: string, several = false): number | undefined {
  const outcome = callerPreferences(request('INVITE', ...headers))
  if (outcome.kind !== 'preferences') throw new Error(outcome.kind)
  return outcome.preferences.judge(parameters(contact), several)
}

describe('feature sets (RFC 3840 s.9, RFC 3841 s.8)', () => {
  const compatible = (a: string, b: string): boolean => {
    const [left, right] = [featureSet(parameters(a)), featureSet(parameters(b))]
    if (left === undefined || right === undefined) throw new Error('no features')
    expect(areCompatible(right, left), 'the other way round').toBe(areCompatible(left, right))
    return areCompatible(left, right)
  }

  it.each([
    ['audio', 'audio', true],
    ['audio', 'audio="TRUE"', true],
    ['audio', 'audio="FALSE"', false],
    ['audio', 'audio="!TRUE"', false],
    ['audio="!FALSE"', 'audio', true],
    ['audio', 'video', true],
    ['methods="INVITE,BYE"', 'methods="bye"', true],
    ['methods="INVITE,BYE"', 'methods="MESSAGE"', false],
    ['events="!presence,message-summary"', 'events="presence"', false],
    ['events="!presence,message-summary"', 'events="conference"', true],
    ['events="!presence"', 'events="!presence"', true],
    ['description="<PC>"', 'description="<PC>"', true],
    ['description="<PC>"', 'description="<pc>"', false],
    ['description="<a,b>"', 'description="<a>"', false],
    ['priority="#10:20"', 'priority="#=15"', true],
    ['priority="#10:20"', 'priority="#>=21"', false],
    ['priority="#<=10"', 'priority="#>=10"', true],
    ['priority="!#10:20"', 'priority="#12:18"', false],
    ['priority="!#10:20"', 'priority="#12:28"', true],
    ['priority="#-4:+5.125"', 'priority="#=5.1"', true],
    ['priority="#x"', 'priority="#X"', true],
    ['+sip.newparam', '+sip.newparam="TRUE"', true],
    ['+audio="FALSE";audio', 'audio', true],
    ['+u.sun\'x!y="a"', '+u.sun\'x!y="b"', false],
    ['language="en,de"', 'language="fr,DE"', true],
  ])('S3841-7-01 %s and %s: %s', (a, b, expected) => {
    expect(compatible(a, b)).toBe(expected)
  })

  it('S3841-7-01 other parameters are no features, and who states none has no set', () => {
    expect(featureSet(parameters('q=0.5;expires=60;other=1;reg-id=1'))).toBeUndefined()
    expect([...(featureSet(parameters('audio;other;+x;mobility="fixed"'))?.keys() ?? [])]).toEqual([
      'sip.audio',
      'x',
      'sip.mobility',
    ])
  })

  it('S3841-7-01 S-07 a list without end is read as far as any phone goes', () => {
    const values = Array.from({ length: 100_000 }, (_, i) => `m${i}`).join(',')
    expect(featureSet(parameters(`methods="${values}"`))?.get('sip.methods')).toHaveLength(100)
  })
})

describe('preferences of a caller (RFC 3841 s.7.2)', () => {
  it('S3841-7-01 the example of RFC 3841 s.7.2.5', () => {
    const headers = [
      'Reject-Contact: *;actor="msg-taker";video',
      'Accept-Contact: *;audio;require',
      'Accept-Contact: *;video;explicit',
      'Accept-Contact: *;methods="BYE";class="business";q=1.0',
    ]
    expect(judged(headers, 'audio;video;methods="INVITE,BYE";q=0.2')).toBe(833)
    expect(judged(headers, 'audio="FALSE";methods="INVITE";actor="msg-taker";q=0.2')).toBeUndefined()
    expect(judged(headers, 'audio;actor="msg-taker";methods="INVITE";video;q=0.3')).toBeUndefined()
    expect(judged(headers, 'audio;methods="INVITE,OPTIONS";q=0.2')).toBe(500)
    expect(judged(headers, 'q=0.5')).toBe(1000)
  })

  it.each([
    // RFC 3841 s.5: require and explicit, require alone, explicit alone, neither.
    ['*;video;require;explicit', 'video', 1000],
    ['*;video;require;explicit', 'audio', undefined],
    ['*;video;require', 'video="FALSE"', undefined],
    ['*;video;require', 'audio', 0],
    ['*;video;explicit', 'audio', 0],
    ['*;video;explicit', 'video="FALSE"', 0],
    ['*;video;audio', 'video', 500],
    ['*;video', 'video="FALSE"', 0],
    ['*', 'video', 1000],
    ['*;require', 'video', 1000],
    ['*;video, *;audio', 'video;audio="FALSE"', 1000],
  ])('S3841-7-01 Accept-Contact: %s for a phone with %s: %s', (accept, contact, expected) => {
    expect(judged([`Accept-Contact: ${accept}`], contact)).toBe(expected)
  })

  it.each([
    ['*;video', 'video', undefined],
    ['*;video', 'audio', 1000],
    ['*;video;mobility="fixed"', 'video', 1000],
    ['*;mobility="fixed"', 'mobility="mobile"', 1000],
    ['*', 'video', 1000],
    ['*;other=1', 'video', 1000],
  ])('S3841-7-01 Reject-Contact: %s for a phone with %s: %s', (reject, contact, expected) => {
    expect(judged([`j: ${reject}`], contact)).toBe(expected)
  })

  it.each([
    ['Accept-Contact: audio', 'Bad Accept-Contact'],
    ['Accept-Contact: *audio', 'Bad Accept-Contact'],
    ['Accept-Contact: *;audio;audio', 'Bad Accept-Contact'],
    ['Reject-Contact: <sip:a@b>', 'Bad Reject-Contact'],
    [`a: ${Array.from({ length: 21 }, () => '*;audio').join(',')}`, 'Too Many Preferences'],
  ])('S3841-7-01 S-07 %s is refused: %s', (header, reason) => {
    expect(callerPreferences(request('INVITE', header))).toEqual({ kind: 'refused', reason })
  })

  it.each([
    ['MESSAGE', 'methods="INVITE,ACK,BYE"', true],
    ['MESSAGE', 'methods="INVITE,MESSAGE"', false],
    ['MESSAGE', 'methods="INVITE,xMESSAGE"', true],
    ['MESSAGE', 'methods="!MESSAGE"', true],
    ['MESSAGE', 'methods="!INVITE"', false],
    ['MESSAGE', 'audio', false],
    ['SUBSCRIBE', 'events="dialog,presence"', false],
    ['SUBSCRIBE', 'events="dialog"', true],
    ['SUBSCRIBE', 'methods="INVITE"', true],
  ])('S3841-7-01 %s to a phone with %s: unsuited %s', (method, contact, expected) => {
    expect(isUnsuitedFor(request(method, 'Event: presence;id=1'), parameters(contact))).toBe(expected)
  })
})

interface Setup {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  phone(parameters?: string, q?: string): Phone
}

function setUp(override: SettingsOverride = {}): Setup {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', override, new TestAccounts().add('alice').add('bob'))
  const alice = world.phone('alice', node)
  const phone = (features = '', q = ''): Phone => {
    const made = world.phone('bob', node)
    made.register({
      contact: `${made.contact}${features === '' ? '' : `;${features}`}${q === '' ? '' : `;q=${q}`}`,
    })
    return made
  }
  return { world, node, alice, phone }
}

const rings = (...phones: readonly Phone[]): boolean[] =>
  phones.map((phone) => phone.requests('INVITE').length > 0)

describe('calls with preferences', () => {
  const call = (s: Setup, ...extra: string[]): ReturnType<Phone['request']> =>
    s.alice.request('INVITE', BOB, { extra })

  it('S3841-7-01 only phones that are wanted ring, and who says nothing of itself', () => {
    const s = setUp()
    const [video, audio, silent] = [s.phone('audio;video'), s.phone('audio;video="FALSE"'), s.phone()]
    call(s, 'Accept-Contact: *;video;require')
    expect(rings(video, audio, silent)).toEqual([true, false, true])
  })

  it('S3841-7-01 what matches better rings first, what does not match last; the callee’s q comes before that', () => {
    const s = setUp()
    const [worse, better, preferred] = [s.phone('audio'), s.phone('video'), s.phone('text', '1.0')]
    const late = s.phone('video', '0.1')
    call(s, 'Accept-Contact: *;video')
    expect(rings(worse, better, preferred, late)).toEqual([false, true, false, false])
    better.respond(better.requests('INVITE')[0]!, 486)
    expect(rings(worse, better, preferred, late)).toEqual([true, true, true, false])
    worse.respond(worse.requests('INVITE')[0]!, 486)
    preferred.respond(preferred.requests('INVITE')[0]!, 486)
    expect(rings(late)).toEqual([true])
  })

  it('S3841-7-01 nobody is as wanted: 480, for the caller has said so itself', () => {
    const s = setUp()
    s.phone('audio')
    call(s, 'Accept-Contact: *;video;require;explicit')
    expect(s.alice.statuses('INVITE')).toEqual([100, 480])
  })

  it('S3841-7-01 without any wish phones that do not serve the method are left out, unless there are no others', () => {
    const s = setUp()
    const [desk, chat] = [s.phone('methods="INVITE,ACK,BYE,CANCEL"'), s.phone('methods="INVITE,MESSAGE"')]
    s.alice.request('MESSAGE', BOB)
    expect([desk, chat].map((phone) => phone.requests('MESSAGE').length)).toEqual([0, 1])
    const alone = setUp()
    const only = alone.phone('methods="INVITE,ACK,BYE,CANCEL"')
    alone.alice.request('MESSAGE', BOB)
    expect(only.requests('MESSAGE')).toHaveLength(1)
  })

  it('S3841-7-01 what the overlay says of phones elsewhere counts as well', () => {
    const s = setUp()
    const far = (features?: ReadonlyMap<string, string>) => ({
      kind: 'peer' as const,
      address: 'node:1',
      aor: undefined,
      secureOnly: false,
      features,
    })
    const asked = (features?: ReadonlyMap<string, string>): boolean => {
      s.node.locateAnswer = () => ({ kind: 'found', targets: [far(features)], userExists: true, loop: false })
      const before = s.node.actions.length
      call(s, 'Accept-Contact: *;video;require')
      return s.node.actions.slice(before).some(({ kind }) => kind === 'openPeerFlow')
    }
    expect(asked(new Map([['video', '']]))).toBe(true)
    expect(asked(new Map([['video', '"FALSE"']]))).toBe(false)
    expect(asked(undefined)).toBe(true)
  })

  it('S3841-7-01 M-13 which phones another node has by themselves is its business: one of several may be what is wanted', () => {
    const s = setUp()
    const far = s.world.node('192.0.2.2', {}, new TestAccounts().add('bob'))
    const [desk, room] = [s.world.phone('bob', far), s.world.phone('bob', far)]
    desk.register({ contact: `${desk.contact};audio` })
    room.register({ contact: `${room.contact};audio;video` })
    const target = {
      kind: 'peer' as const,
      address: `node:${far.hex}`,
      aor: undefined,
      secureOnly: false,
      // What both have in common.
      features: new Map([['audio', '']]),
    }
    s.node.locateAnswer = () => ({ kind: 'found', targets: [target], userExists: true, loop: false })
    call(s, 'Accept-Contact: *;video;require;explicit')
    expect(rings(desk, room)).toEqual([false, true])
  })

  it.each([
    ['Accept-Contact: *;video;require;explicit', 'audio', 1000],
    ['Accept-Contact: *;video;explicit', 'audio', 0],
    ['Accept-Contact: *;video;require', 'video="FALSE"', undefined],
    ['Accept-Contact: *;+g.example.chat;require;explicit', 'audio', 1000],
    ['Reject-Contact: *;class="business"', 'class="business"', undefined],
    ['Reject-Contact: *;class="business"', 'class="business,personal"', 1000],
    ['Reject-Contact: *;class="business,personal"', 'class="business,personal"', undefined],
    ['Reject-Contact: *;priority="#>=15"', 'priority="#10:20"', 1000],
    ['Reject-Contact: *;priority="#>=5"', 'priority="#10:20"', undefined],
    ['Reject-Contact: *;video', 'audio', 1000],
  ])('S3841-7-01 M-13 %s for phones elsewhere that have %s: %s', (header, common, expected) => {
    expect(judged([header], common, true)).toBe(expected)
  })

  it('S3841-7-01 headers that cannot be read are 400', () => {
    const s = setUp()
    s.phone()
    call(s, 'Accept-Contact: video')
    expect(s.alice.statuses('INVITE')).toEqual([400])
  })
})

describe('Request-Disposition (RFC 3841 s.9.1)', () => {
  const call = (s: Setup, directives: string, init: RequestInit = {}): ReturnType<Phone['request']> =>
    s.alice.request('INVITE', BOB, { extra: [`Request-Disposition: ${directives}`], ...init })

  it('S3841-7-01 no-fork: one phone, that of the highest q, also when another is found later', () => {
    const s = setUp()
    const [low, high] = [s.phone('', '0.3'), s.phone('', '0.9')]
    s.node.locateAnswer = () => undefined
    call(s, 'no-fork')
    expect(rings(low, high)).toEqual([false, false])
    const locate = s.node.actions.findLast((action) => action.kind === 'locate')
    s.node.input({
      kind: 'located',
      id: locate?.kind === 'locate' ? locate.id : 0,
      outcome: { kind: 'found', targets: [], userExists: true, loop: false },
    })
    s.world.settle()
    expect(rings(low, high)).toEqual([false, true])
    high.respond(high.requests('INVITE')[0]!, 486)
    expect(rings(low)).toEqual([false])
    expect(s.alice.last().status).toBe(486)
  })

  it('S3841-7-01 sequential: one after the other, the next after a failure or when its time is over', () => {
    const s = setUp({ groupTimeoutS: 7 })
    const phones = [s.phone(), s.phone(), s.phone()] as const
    call(s, 'sequential')
    expect(rings(...phones)).toEqual([true, false, false])
    phones[0].respond(phones[0].requests('INVITE')[0]!, 486)
    expect(rings(...phones)).toEqual([true, true, false])
  })

  it('S3841-7-01 no-cancel: after a 2xx the others go on ringing, and their 2xx passes; a 6xx ends them all the same', () => {
    const s = setUp()
    const [first, second, third] = [s.phone(), s.phone(), s.phone()]
    call(s, 'no-cancel')
    for (const phone of [first, second, third]) phone.respond(phone.requests('INVITE')[0]!, 180)
    first.respond(first.requests('INVITE')[0]!, 200)
    expect([second, third].map((phone) => phone.requests('CANCEL').length)).toEqual([0, 0])
    second.respond(second.requests('INVITE')[0]!, 200)
    expect(s.alice.responses('INVITE', 200)).toHaveLength(2)
    const other = setUp()
    const [busy, ringing] = [other.phone(), other.phone()]
    call(other, 'no-cancel')
    ringing.respond(ringing.requests('INVITE')[0]!, 180)
    busy.respond(busy.requests('INVITE')[0]!, 603)
    expect(ringing.requests('CANCEL')).toHaveLength(1)
  })

  it('S3841-7-01 S3261-16.7-06 no-recurse: a 302 is the caller’s to follow', () => {
    const s = setUp()
    const bob = s.phone()
    call(s, 'no-recurse, queue')
    bob.respond(bob.requests('INVITE')[0]!, 302, { contact: `<sip:alice@${DOMAIN}>` })
    expect(s.alice.last().status).toBe(302)
    call(s, 'recurse')
    bob.respond(bob.requests('INVITE')[1]!, 302, { contact: `<sip:alice@${DOMAIN}>` })
    expect(s.alice.last().status).toBe(480)
  })

  it('S3841-7-01 redirect is not for a proxy to do, and unknown words mean nothing', () => {
    const s = setUp()
    const bob = s.phone()
    call(s, 'redirect, whatever')
    expect(rings(bob)).toEqual([true])
  })
})

describe('phones that register during a call', () => {
  it('S3261-16.5-04 ring as well, once', () => {
    const s = setUp()
    const early = s.phone()
    s.alice.request('INVITE', BOB)
    early.respond(early.requests('INVITE')[0]!, 180)
    const late = s.phone()
    expect(rings(early, late)).toEqual([true, true])
    late.register()
    early.register()
    expect([early, late].map((phone) => phone.requests('INVITE').length)).toEqual([1, 1])
    late.respond(late.requests('INVITE')[0]!, 200)
    expect(early.requests('CANCEL')).toHaveLength(1)
    expect(s.alice.last().status).toBe(200)
    expect(rings(s.phone())).toEqual([false])
  })

  it('S3261-16.5-04 wait for their q as the others do', () => {
    const s = setUp()
    const early = s.phone('', '0.8')
    s.alice.request('INVITE', BOB)
    const late = s.phone('', '0.2')
    expect(rings(late)).toEqual([false])
    early.respond(early.requests('INVITE')[0]!, 486)
    expect(rings(late)).toEqual([true])
  })

  it('S3261-16.5-04 a call that is over or given up rings nowhere', () => {
    const s = setUp()
    const early = s.phone()
    const sent = s.alice.request('INVITE', BOB)
    early.respond(early.requests('INVITE')[0]!, 180)
    s.alice.cancel(sent)
    expect(rings(s.phone())).toEqual([false])
  })
})

describe('groups of equal q', () => {
  it('S3261-16.6-10 S-20 a call ends however many phones are silent one after the other', () => {
    const s = setUp({ groupTimeoutS: 50 })
    const phones = Array.from({ length: 9 }, (_, index) => s.phone('', `0.${9 - index}`))
    s.alice.request('INVITE', BOB)
    // Each has 32 s to say something; none begins to ring after three minutes.
    for (let second = 0; second < 195; second++) s.world.advance(1_000)
    expect(s.alice.last().status).toBe(408)
    expect(rings(...phones)).toEqual(phones.map((_, index) => index < 7))
  })

  it.each([
    [undefined, 20_000],
    [5, 5_000],
  ])('S3261-16.6-10 with groupTimeout %s the next one rings after %s ms', (groupTimeoutS, ms) => {
    const s = setUp(groupTimeoutS === undefined ? {} : { groupTimeoutS })
    const [first, second] = [s.phone('', '0.9'), s.phone('', '0.5')]
    s.alice.request('INVITE', BOB)
    first.respond(first.requests('INVITE')[0]!, 180)
    s.world.advance(ms - 1)
    expect(rings(first, second)).toEqual([true, false])
    s.world.advance(1)
    expect(rings(first, second)).toEqual([true, true])
    expect(first.requests('CANCEL')).toHaveLength(0)
  })
})
