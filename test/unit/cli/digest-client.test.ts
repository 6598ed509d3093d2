import { describe, expect, it } from 'vitest'
import { credentials, pickChallenge } from '../../../src/cli/phone/digest-client.ts'

describe('digest of the test phone', () => {
  const base = {
    realm: '"http-auth@example.org"',
    qop: '"auth, auth-int"',
    nonce: '"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
    opaque: '"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  }
  const request = { method: 'GET', uri: '/dir/index.html' }
  const account = { username: 'Mufasa', password: 'Circle of Life' }
  const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'

  it('answers as in the examples of RFC 7616 s.3.9.1', () => {
    expect(credentials({ ...base, algorithm: 'MD5' }, request, account, cnonce)).toMatchObject({
      response: '"8ca523f5e9506fed4657c9700eebdbec"',
      nc: '00000001',
      qop: 'auth',
      opaque: base.opaque,
    })
    expect(credentials({ ...base, algorithm: 'SHA-256' }, request, account, cnonce)).toMatchObject({
      response: '"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
    })
  })

  it('takes the strongest challenge that it knows', () => {
    const challenges = [{ algorithm: 'SHA-512-256' }, { algorithm: 'MD5' }, { algorithm: '"sha-256"' }]
    expect(pickChallenge(challenges)).toEqual({ algorithm: '"sha-256"' })
    expect(pickChallenge([{ realm: 'x' }])).toEqual({ realm: 'x' })
    expect(pickChallenge([{ algorithm: 'AKAv1-MD5' }])).toBeUndefined()
  })
})
