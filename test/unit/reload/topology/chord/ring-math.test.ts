import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../../../src/common/bytes.ts'
import { SeededRandom } from '../../../../../src/common/random.ts'
import {
  clockwiseDistance,
  compareClockwise,
  compareIds,
  fingerIndexOf,
  fingerStart,
  inRange,
  nextId,
  plusPowerOfTwo,
  randomFingerTarget,
  ringShare,
} from '../../../../../src/reload/topology/chord/ring-math.ts'
import { at } from './ids.ts'

const anId = fc.uint8Array({ minLength: 16, maxLength: 16 })
const RING = 1n << 128n
const big = (id: Uint8Array): bigint => BigInt(`0x${toHex(id)}`)

describe('ring arithmetic', () => {
  it('R6940-10.1-01 responsibility is (predecessor, self], modulo 2^128', () => {
    expect(inRange(at(0x20), at(0x10), at(0x20))).toBe(true)
    expect(inRange(at(0x10), at(0x10), at(0x20))).toBe(false)
    expect(inRange(at(0x05), at(0xf0), at(0x10))).toBe(true)
    expect(inRange(at(0xf8), at(0xf0), at(0x10))).toBe(true)
    expect(inRange(at(0x80), at(0xf0), at(0x10))).toBe(false)
    expect(inRange(at(0x80), at(0x10), at(0x10))).toBe(true)
  })

  it('R6940-10.1-01 agrees with plain integers for any ids', () => {
    fc.assert(
      fc.property(anId, anId, anId, (id, after, through) => {
        const distance = (from: Uint8Array, to: Uint8Array): bigint => (big(to) - big(from) + RING) % RING
        const whole = big(after) === big(through)
        const expected =
          whole || (distance(after, id) > 0n && distance(after, id) <= distance(after, through))
        expect(inRange(id, after, through)).toBe(expected)
        expect(big(clockwiseDistance(after, through))).toBe(distance(after, through))
        const order = compareClockwise(after, id, through)
        const difference = distance(after, id) - distance(after, through)
        expect(Math.sign(order)).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0)
      }),
    )
  })

  it('adds powers of two with carry over the whole length and past the end', () => {
    fc.assert(
      fc.property(anId, fc.integer({ min: 0, max: 127 }), (id, exponent) => {
        expect(big(plusPowerOfTwo(id, exponent))).toBe((big(id) + (1n << BigInt(exponent))) % RING)
      }),
    )
    expect(toHex(nextId(fromHex('ff'.repeat(16)) as Uint8Array))).toBe('00'.repeat(16))
  })

  it('R6940-10.7.4.2-02 R6940-10.7.4.2-03 finger i is the range [x+2^(128-i), x+2^(129-i)-1] and searches hit it', () => {
    const random = new SeededRandom('fingers')
    for (const self of [at(0), at(0xa7, 3), at(0xff, 0xff)]) {
      expect(fingerIndexOf(self, self)).toBe(0)
      for (const index of [1, 2, 3, 8, 9, 16, 64, 128]) {
        expect(fingerIndexOf(self, fingerStart(self, index))).toBe(index)
        for (let i = 0; i < 5; i++)
          expect(fingerIndexOf(self, randomFingerTarget(self, index, random))).toBe(index)
      }
    }
  })

  it('measures shares of the ring', () => {
    expect(ringShare(at(0), at(0x80))).toBe(0.5)
    expect(ringShare(at(0xc0), at(0x40))).toBe(0.5)
    expect(ringShare(at(7), at(7))).toBe(1)
    expect(compareIds(at(1), at(2))).toBeLessThan(0)
  })
})
