import { describe, expect, it } from 'vitest'
import { parseMessage, type SipMessage } from '../../../../src/sip/message/index.ts'
import { digestAnswer, requestText } from '../../../sim/phone-text.ts'
import { DOMAIN, SipWorld, TestAccounts, type SettingsOverride } from '../../../support/sip-phones.ts'

const CAROL = `carol@${DOMAIN}`
const CONTACT = 'sip:carol@far.invalid'

/** A node where carol has an account, and a peer of the overlay whose user she is. */
function setUp(override: SettingsOverride = {}) {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('carol')
  const node = world.node('192.0.2.1', { auth: 'digest', registerFromOverlay: true, ...override }, accounts)
  const peer = world.node('192.0.2.2')
  const flow = world.join(node, peer).a
  let cseq = 0
  /** What the node has sent to the peer. */
  const sent = (): SipMessage[] =>
    node.actions.flatMap((action) => {
      if (action.kind !== 'sendFlow' || action.flow !== flow) return []
      const parsed = parseMessage(action.bytes)
      return parsed.ok ? [parsed.value] : []
    })
  const register = (challenge?: SipMessage): SipMessage => {
    const uri = `sip:${DOMAIN}`
    const login = { username: 'carol', password: 'pw-carol', algorithm: 'MD5', count: 1 } as const
    const credentials = challenge === undefined ? undefined : digestAnswer(challenge, 'REGISTER', uri, login)
    const text = requestText({
      method: 'REGISTER',
      uri,
      via: `SIP/2.0/TLS ${peer.hex}.${DOMAIN};branch=z9hG4bKcarol-${++cseq}`,
      from: `<sip:${CAROL}>;tag=c`,
      to: `<sip:${CAROL}>`,
      callId: 'carol',
      cseq,
      routes: [],
      headers: [`Contact: <${CONTACT}>`, ...(credentials === undefined ? [] : [credentials])],
    })
    node.input({ kind: 'flowData', flow, bytes: Buffer.from(text, 'latin1') })
    world.settle()
    return sent().at(-1) as SipMessage
  }
  return { world, node, flow, sent, register }
}

describe('REGISTER from a peer', () => {
  it('E28 is refused unless the operator wants it', () => {
    const s = setUp({ registerFromOverlay: false })
    expect(s.register().status).toBe(403)
  })

  it('is challenged, bound to the flow that it came by, and calls go there', () => {
    const s = setUp()
    const challenge = s.register()
    expect(challenge.status).toBe(401)
    const ok = s.register(challenge)
    expect(ok.status).toBe(200)
    expect(ok.header('service-route')).toBeUndefined()
    expect(s.node.published.get(CAROL)).toBe(1)
    expect(s.node.core.isRegisteredBy(s.flow)).toBe(true)
    const alice = s.world.phone('alice', s.node)
    alice.registerFully()
    const invite = alice.request('INVITE', `sip:${CAROL}`)
    alice.authenticate(invite, alice.last())
    const called = s.sent().find((message) => message.method === 'INVITE')
    expect(called?.requestUri).toBe(CONTACT)
    expect(called?.values('record-route')[0]).toContain(`gr=${s.node.gr}`)
    s.node.input({ kind: 'flowClosed', flow: s.flow })
    s.world.advance(31_000)
    expect(s.node.core.bindings(CAROL)).toEqual([])
    expect(s.node.published.get(CAROL)).toBe(0)
    expect(s.node.core.isRegisteredBy(s.flow)).toBe(false)
  })
})
