import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../../src/common/bytes.ts'
import { ERROR_CODE, KIND } from '../../../../../src/reload/codec/index.ts'
import {
  sipRegistrationAdmissible,
  sipRegistrationRule,
} from '../../../../../src/reload/usages/sip/admissibility.ts'
import { entry, OVERLAY, peer, credential, SINGLE } from '../../storage/fixture.ts'

const PATTERNS = ['dht\\.example\\.com', '.*\\.my\\.example']

describe('AORs of an overlay', () => {
  it('R7904-3.1-03 R7904-3.4-02 without a restriction any AOR is accepted, but it has to be one', () => {
    for (const aor of ['alice@dht.example.com', 'Bob+x@Elsewhere.example', 'ä@example.org']) {
      expect(sipRegistrationAdmissible(aor, OVERLAY, undefined)).toBe(true)
    }
    const none = [
      '',
      'alice',
      '@dht.example.com',
      'alice@',
      'a@b@c',
      'a b@c',
      'a@b\u0000',
      'a@bü',
      `${'a'.repeat(512)}@b`,
    ]
    for (const text of none) expect(sipRegistrationAdmissible(text, OVERLAY, undefined)).toBe(false)
  })

  it('R7904-3.4-03 a restriction that is not enabled admits the domain of the overlay only', () => {
    const restriction = { enable: false, patterns: PATTERNS }
    const admissible = (aor: string): boolean => sipRegistrationAdmissible(aor, OVERLAY, restriction)
    expect(admissible('alice@dht.example.com')).toBe(true)
    expect(admissible('alice@DHT.Example.com')).toBe(true)
    expect(admissible('alice@a.my.example')).toBe(false)
    expect(admissible('alice@x.dht.example.com')).toBe(false)
  })

  it.each([
    ['alice@dht.example.com', true],
    ['alice@sub.my.example', true],
    ['alice@SUB.My.Example', true],
    // D-04: the whole domain has to match.
    ['alice@my.example', false],
    ['alice@dht.example.com.evil.example', false],
    ['alice@dhtXexample.com', false],
    ['dht.example.com@evil.example', false],
  ])(
    'R7904-3.4-04 R7904-3.4-06 an enabled restriction admits what matches a pattern: %s %s',
    (aor, expected) => {
      expect(sipRegistrationAdmissible(aor, OVERLAY, { enable: true, patterns: PATTERNS })).toBe(expected)
    },
  )
})

describe('storing registrations', () => {
  it('R7904-3.3-01 R7904-3.3-03 R7904-3.3-04 R7904-3.3-07 an AOR outside the name spaces is Forbidden, for this Kind only', () => {
    const restriction = { enable: true, patterns: PATTERNS }
    const rules = new Map([[KIND.sipRegistration, sipRegistrationRule(OVERLAY, restriction)]])
    const here = peer({ rules })
    const inside = credential('carol@team.my.example', 0xc1)
    const outside = credential('mallory@other.example', 0xc2)
    const plain = credential('no-aor', 0xc3)
    const register = (who: typeof inside): number | undefined => {
      const outcome = here.put(who, { kind: KIND.sipRegistration, value: entry(who.nodeId, 'route') })
      return outcome.ok ? undefined : outcome.error.errorCode
    }
    expect(register(inside)).toBeUndefined()
    expect(register(outside)).toBe(ERROR_CODE.forbidden)
    expect(register(plain)).toBe(ERROR_CODE.forbidden)
    expect(here.put(outside, { kind: SINGLE }).ok).toBe(true)
    expect(utf8(inside.certificate.userName)).not.toHaveLength(0)
  })

  it('R7904-3.1-01 R7904-3.3-08 an entry under one AOR may lead to another, but nobody writes under a name not his', () => {
    const here = peer()
    const [a, b] = [credential(`a@${OVERLAY}`, 1), credential(`b@${OVERLAY}`, 2)]
    const forward = { kind: KIND.sipRegistration, value: entry(a.nodeId, `b@${OVERLAY}`) }
    expect(here.put(a, forward).ok).toBe(true)
    expect(here.put(b, { ...forward, value: entry(b.nodeId, 'mine') }).ok).toBe(true)
    const resources = here.storage.resources()
    const foreign = here.put(a, { ...forward, time: 5, ...(resources[1] && { resource: resources[1] }) })
    expect(foreign.ok ? 0 : foreign.error.errorCode).toBe(ERROR_CODE.forbidden)
  })
})
