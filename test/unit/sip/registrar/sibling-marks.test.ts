import { describe, expect, it } from 'vitest'
import { SiblingMarks } from '../../../../src/sip/registrar/index.ts'

const ALICE = 'alice@dht.example.com'
const secret = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const phone = (contact: string, instance?: string): { contact: string; parameters: Map<string, string> } => ({
  contact,
  parameters: new Map(instance === undefined ? [] : [['+sip.instance', `"<urn:uuid:${instance}>"`]]),
})

describe('marks of phones', () => {
  const here = new SiblingMarks(secret(1))
  const there = new SiblingMarks(secret(1))

  it('M-31 are equal at every peer that has the secret, and say nothing without it', () => {
    const mark = here.of(ALICE, phone('sip:alice@10.0.0.5', 'a'))
    expect(mark).toMatch(/^[A-Za-z0-9_-]{8}$/)
    expect(there.of(ALICE, phone('sip:alice@10.0.0.5:6000;transport=tcp', 'A'))).toBe(mark)
    expect(new SiblingMarks(secret(2)).of(ALICE, phone('sip:alice@10.0.0.5', 'a'))).not.toBe(mark)
    expect(here.of('bob@dht.example.com', phone('sip:alice@10.0.0.5', 'a'))).not.toBe(mark)
  })

  it('M-31 without an instance user, host and port of the Contact are the phone', () => {
    const mark = here.of(ALICE, phone('sip:alice@10.0.0.5:5070'))
    expect(here.of(ALICE, phone('sip:alice@10.0.0.5:5070;transport=tcp'))).toBe(mark)
    expect(here.of(ALICE, phone('sip:alice@10.0.0.5:5071'))).not.toBe(mark)
    expect(here.of(ALICE, phone('sip:alice@10.0.0.6:5070'))).not.toBe(mark)
  })

  it('M-12 M-31 their number is hidden: four or eight, what fills them up is left out when they are read', () => {
    const phones = ['a', 'b', 'c', 'd', 'e'].map((name) => phone('sip:alice@10.0.0.5', name))
    for (const [count, chars] of [
      [0, 0],
      [1, 32],
      [3, 32],
      [4, 32],
      [5, 64],
    ] as const) {
      const text = here.text(ALICE, phones.slice(0, count))
      expect(text.length, String(count)).toBe(chars)
      const marks = phones.slice(0, count).map((one) => here.of(ALICE, one))
      expect([...there.read(ALICE, text)].sort(), String(count)).toEqual(marks.sort())
    }
    // Who cannot tell what fills them up sees four of a kind.
    expect(new SiblingMarks(secret(2)).read(ALICE, here.text(ALICE, phones.slice(0, 1)))).toHaveLength(4)
  })

  it('M-31 more phones than fit into contact_prefs are not marked, and what is no text of marks has none', () => {
    const phones = Array.from({ length: 17 }, (_, i) => phone(`sip:alice@10.0.0.${i}`))
    expect(here.text(ALICE, phones)).toBe('')
    expect(here.text(ALICE, phones.slice(0, 16))).toHaveLength(128)
    for (const text of ['', 'short', 'x'.repeat(136)]) expect(here.read(ALICE, text)).toEqual([])
  })
})
