import { describe, expect, it } from 'vitest'
import { FORWARDING_FLAG } from '../../../../src/reload/codec/index.ts'
import { answerOptions, returnList } from '../../../../src/reload/forwarding/via-list.ts'
import { letters, node, nodeNamed } from './messages.ts'

describe('way back', () => {
  it('R6940-6.1.2-07 R6940-6.2.2-01 previous hop, then the via list reversed: E answers [A, B, C] from D to [D, C, B, A]', () => {
    expect(letters(returnList(nodeNamed('D'), [node('A'), node('B'), node('C')]))).toBe('DCBA')
  })

  it('R6940-6.1.2-07 an empty via list leaves the previous hop, a request of our own nothing', () => {
    expect(letters(returnList(nodeNamed('A'), []))).toBe('A')
    expect(returnList(undefined, [])).toEqual([])
  })

  it('R6940-6.1.2-07 opaque ids of others keep their place', () => {
    const opaque = { kind: 'opaque', id: Uint8Array.of(0x81, 2), short: true } as const
    expect(returnList(nodeNamed('D'), [opaque, node('C')])).toEqual([node('D'), node('C'), opaque])
  })
})

describe('options of an answer', () => {
  it('R6940-6.3.2.3-04 R6940-6.3.2.3-05 RESPONSE_COPY options return with all three flags cleared, others do not', () => {
    const value = Uint8Array.of(1)
    const all = Object.values(FORWARDING_FLAG).reduce((sum, flag) => sum | flag, 0)
    expect(
      answerOptions([
        { type: 5, flags: FORWARDING_FLAG.forwardCritical, value },
        { type: 6, flags: all, value },
        { type: 7, flags: FORWARDING_FLAG.responseCopy | 0x80, value },
      ]),
    ).toEqual([
      { type: 6, flags: 0, value },
      { type: 7, flags: 0x80, value },
    ])
  })
})
