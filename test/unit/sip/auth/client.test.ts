import { describe, expect, it } from 'vitest'
import {
  answerChallenge,
  challenge,
  chooseChallenge,
  digestHash,
  NonceWindow,
  verify,
  type DigestAlgorithm,
} from '../../../../src/sip/auth/index.ts'

const NOW = { ms: 0, wall: 1_700_000_000_000 }
const secret = new Uint8Array(32).fill(3)
const who = { username: 'Mufasa', password: 'Circle of Life' }

describe('answers to digest challenges', () => {
  it('RFC 7616 s.3.9.1: the example, by MD5 and by SHA-256', () => {
    const common =
      'Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    const request = { method: 'GET', uri: '/dir/index.html' }
    const use = { nc: 1, cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' }
    const answer = (algorithm: string): string => {
      const chosen = chooseChallenge([`${common}, algorithm=${algorithm}`], undefined)
      return answerChallenge(chosen!, who, request, use)
    }
    expect(answer('MD5')).toContain('response="8ca523f5e9506fed4657c9700eebdbec"')
    expect(answer('SHA-256')).toContain(
      'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
    )
    expect(answer('MD5')).toContain('qop=auth, nc=00000001')
    expect(answer('MD5')).toContain('opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"')
  })

  it.each<[DigestAlgorithm, 'auth' | 'auth-int']>([
    ['MD5', 'auth'],
    ['SHA-256', 'auth-int'],
    ['SHA-512-256', 'auth'],
  ])(
    'what this side asks in %s with qop=%s is answered so that it is right, with names of any letters',
    (algorithm, qop) => {
      const realm = 'Zürich'
      const account = {
        ha1: new Map([[algorithm, digestHash(algorithm, 'jürg "j"', realm, 'grüezi')]]),
      }
      const rules = { realm, secret, algorithms: [algorithm], qop: [qop] }
      const [asked] = challenge(NOW, rules, { stale: false })
      const request = { method: 'INVITE', uri: 'sip:+4930@gw.example', body: Buffer.from('v=0') }
      const chosen = chooseChallenge([asked!], realm)
      expect(chosen).toMatchObject({ qop, stale: false })
      const value = answerChallenge(chosen!, { username: 'jürg "j"', password: 'grüezi' }, request, {
        nc: 7,
        cnonce: 'c',
      })
      const verdict = verify(NOW, { ...request, credentials: [value] }, rules, new NonceWindow(), {
        byName: () => account,
      })
      expect(verdict.kind).toBe('ok')
    },
  )

  it('S8760-2.3-01 the strongest that is known is taken; other realms, schemes and algorithms are passed over', () => {
    const values = [
      'Basic realm="x"',
      'Digest realm="x", nonce="1", algorithm=MD5, qop="auth"',
      'Digest realm="x", nonce="2", algorithm=SHA-256, qop="auth"',
      'Digest realm="y", nonce="3", algorithm=SHA-512-256, qop="auth"',
      'Digest realm="x", nonce="4", algorithm=ROT13, qop="auth"',
      'Digest realm="x", nonce="5", algorithm=SHA-512-256, qop="other"',
    ]
    expect(chooseChallenge(values, 'x')?.nonce).toBe('2')
    expect(chooseChallenge(values, undefined)?.nonce).toBe('3')
    expect(chooseChallenge(values.slice(0, 1), undefined)).toBeUndefined()
  })

  it('a server of RFC 2069 gets an answer without qop and count', () => {
    const chosen = chooseChallenge(['Digest realm="r", nonce="n", stale=TRUE'], undefined)
    expect(chosen).toMatchObject({ qop: undefined, stale: true })
    const value = answerChallenge(chosen!, who, { method: 'REGISTER', uri: 'sip:r' }, { nc: 1, cnonce: 'c' })
    expect(value).not.toContain('qop')
    expect(value).not.toContain('nc=')
  })
})
