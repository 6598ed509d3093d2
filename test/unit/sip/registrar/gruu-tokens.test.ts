import { describe, expect, it } from 'vitest'
import { GruuTokens } from '../../../../src/sip/registrar/gruu-tokens.ts'

const ALICE = 'alice@dht.example.com'
const PHONE = '"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'
const secret = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const tokens = new GruuTokens(secret(7))
const nonce = (byte: number): Uint8Array => new Uint8Array(12).fill(byte)

describe('what stands in GRUUs', () => {
  it('M-15 S5627-5.3-01 a public one is the same in every run of every node of the domain, and needs no table', () => {
    const adi = tokens.publicToken(ALICE, PHONE)
    expect(adi).toMatch(/^[a-z2-7]{26}$/)
    const restarted = new GruuTokens(secret(7))
    expect(restarted.publicToken(ALICE, PHONE)).toBe(adi)
    const instance = restarted.openPublic(ALICE, adi)
    expect(instance && restarted.isInstance(ALICE, PHONE, instance)).toBe(true)
    expect(instance && restarted.isInstance(ALICE, '"<urn:uuid:other>"', instance)).toBe(false)
  })

  it('M-16 S5627-6.1-01 URI parameters have no case; what we did not make is no token', () => {
    const adi = tokens.publicToken(ALICE, PHONE)
    expect(tokens.openPublic(ALICE, adi.toUpperCase())).toEqual(tokens.openPublic(ALICE, adi))
    expect(tokens.openPublic('bob@dht.example.com', adi)).toBeUndefined()
    expect(new GruuTokens(secret(8)).openPublic(ALICE, adi)).toBeUndefined()
    for (let i = 0; i < adi.length; i++) {
      const other = adi[i] === 'a' ? 'b' : 'a'
      expect(tokens.openPublic(ALICE, adi.slice(0, i) + other + adi.slice(i + 1)), String(i)).toBeUndefined()
    }
    for (const text of ['', 'a', adi.slice(1), `${adi}a`, '!'.repeat(26), '0'.repeat(26)])
      expect(tokens.openPublic(ALICE, text), text).toBeUndefined()
  })

  it('S3261-19.1-02 they mean the same when a UA escapes what needs none', () => {
    const escaped = (text: string): string =>
      [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')
    const adi = tokens.publicToken(ALICE, PHONE)
    expect(tokens.openPublic(ALICE, escaped(adi))).toEqual(tokens.openPublic(ALICE, adi))
    const user = tokens.temporaryUser(ALICE, PHONE, '0a0b0c0d', nonce(1))
    expect(tokens.openTemporary(escaped(user))).toMatchObject({ aor: ALICE, epoch: '0a0b0c0d' })
  })

  it('S5627-5.1-02 a temporary one says nothing to others and everything to us', () => {
    const user = tokens.temporaryUser(ALICE, PHONE, '0a0b0c0d', nonce(1))
    expect(user).toMatch(/^t~[\w-]+$/)
    expect(Buffer.from(user.slice(2), 'base64url').toString('latin1')).not.toContain('alice')
    const opened = tokens.openTemporary(user)
    expect(opened).toMatchObject({ aor: ALICE, epoch: '0a0b0c0d' })
    expect(opened && tokens.isInstance(ALICE, PHONE, opened.instance)).toBe(true)
    expect(new GruuTokens(secret(8)).openTemporary(user)).toBeUndefined()
    // One user has no longer a name than another as far as can be seen.
    expect(tokens.temporaryUser('al@dht.example.com', PHONE, '00000000', nonce(2))).toHaveLength(user.length)
  })

  it('S5627-6.1-01 any change of a temporary one makes it nobody’s', () => {
    const user = tokens.temporaryUser(ALICE, PHONE, '0a0b0c0d', nonce(1))
    for (let i = 0; i < user.length; i++) {
      const other = user[i] === 'A' ? 'B' : 'A'
      expect(tokens.openTemporary(user.slice(0, i) + other + user.slice(i + 1)), String(i)).toBeUndefined()
    }
    for (const text of [
      '',
      't~',
      't~AAAA',
      user.slice(0, -4),
      `${user}AAAA`,
      `t~${'A'.repeat(2_000)}`,
      'alice',
    ])
      expect(tokens.openTemporary(text), text).toBeUndefined()
  })
})
