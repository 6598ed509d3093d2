import { describe, expect, it } from 'vitest'
import { CallerChecks } from '../../../../src/sip/core/caller-checks.ts'
import { parseMessage, type SipMessage } from '../../../../src/sip/message/index.ts'
import { OwnIdentity } from '../../../../src/sip/proxy/index.ts'

const DOMAIN = 'dht.example.com'

function call(user: string, host = DOMAIN): SipMessage {
  const lines = [
    `INVITE sip:bob@${DOMAIN} SIP/2.0`,
    'Via: SIP/2.0/TLS x;branch=z9hG4bK1',
    `From: <sip:${user}@${host}>;tag=1`,
    `To: <sip:bob@${DOMAIN}>`,
    'Call-ID: c',
    'CSeq: 1 INVITE',
    '',
    '',
  ]
  const parsed = parseMessage(Buffer.from(lines.join('\r\n')))
  if (!parsed.ok) throw new Error(parsed.error.reason)
  return parsed.value
}

describe('callers whom the overlay is asked about', () => {
  it('M-22 S-10 a peer that makes up callers leaves room for the questions of the others', () => {
    const asked: string[] = []
    const own = new OwnIdentity({ listeners: [], domains: [DOMAIN], peer: undefined })
    const ask = (aor: string): number => asked.push(aor)
    const checks = new CallerChecks<string>({ own, ask }, { policy: 'reject', budgetMs: 3_000 })
    const kinds = new Set<string>()
    for (let i = 0; i < 1_000; i++) kinds.add(checks.judge(0, call(`nobody${i}`), 'evil', undefined).kind)
    expect([...kinds]).toEqual(['waiting', 'unknown'])
    const before = asked.length
    expect(before).toBeLessThanOrEqual(100)
    const honest = checks.judge(0, call('alice'), 'good', undefined)
    expect(honest.kind).toBe('waiting')
    expect(asked.length).toBe(before + 1)
    // Answered or not, a question that is over makes room again.
    checks.answered(1, 1, 'unverified', 1_000)
    expect(checks.judge(1, call('nobody999'), 'evil', undefined).kind).toBe('waiting')
    expect(checks.judge(1, call('nobody998'), 'evil', undefined).kind).toBe('unknown')
    checks.expire(10_000)
    expect(checks.judge(10_001, call('nobody998'), 'evil', undefined).kind).toBe('waiting')
  })

  it('M-22 the port of another node behind the domain is no part of its caller', () => {
    const asked: string[] = []
    const own = new OwnIdentity({ listeners: [], domains: [DOMAIN], peer: undefined })
    const checks = new CallerChecks<string>(
      { own, ask: (aor) => asked.push(aor) },
      { policy: 'reject', budgetMs: 3_000 },
    )
    checks.judge(0, call('alice', `${DOMAIN}:25300`), 'peer', undefined)
    expect(asked).toEqual([`alice@${DOMAIN}`])
    expect(checks.judge(0, call('alice', 'example.org:25300'), 'peer', undefined).kind).toBe('stranger')
  })
})
