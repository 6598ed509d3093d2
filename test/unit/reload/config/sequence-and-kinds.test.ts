import { describe, expect, it } from 'vitest'

import { KIND } from '../../../../src/reload/codec/index.ts'
import {
  compareSequence,
  KindTable,
  nextSequence,
  type KindDefinition,
} from '../../../../src/reload/config/index.ts'

describe('sequence numbers', () => {
  it('R6940-11.1-10 are compared modulo 65535, the shorter way round', () => {
    const order = (a: number, b: number): number => Math.sign(compareSequence(a, b))
    expect([order(5, 5), order(6, 5), order(5, 6)]).toEqual([0, 1, -1])
    expect([order(0, 65_534), order(65_534, 0), order(1, 65_000)]).toEqual([1, -1, 1])
    expect([order(32_767, 0), order(32_768, 0)]).toEqual([1, -1])
    expect([nextSequence(0), nextSequence(65_534)]).toEqual([1, 0])
  })
})

describe('the table of Kinds', () => {
  const privateKind: KindDefinition = {
    id: 0xf0000001,
    name: 'private',
    dataModel: 'array',
    accessControl: 'NODE-MATCH',
    maxCount: 5,
    maxSize: 50,
    maxNodeMultiple: 0,
  }

  it('R6940-11.1-27 R6940-11.1-35 registered Kinds take their limits from the document and nothing else', () => {
    const given: KindDefinition = {
      ...privateKind,
      id: KIND.sipRegistration,
      name: 'other',
      dataModel: 'single',
      maxCount: 7,
      maxSize: 70,
    }
    const table = new KindTable({ requiredKinds: [given, privateKind] })
    expect(table.definition(KIND.sipRegistration)).toEqual({
      id: KIND.sipRegistration,
      name: 'SIP-REGISTRATION',
      dataModel: 'dictionary',
      accessControl: 'USER-NODE-MATCH',
      maxCount: 7,
      maxSize: 70,
      maxNodeMultiple: 0,
    })
    expect(table.definition(0xf0000001)).toEqual(privateKind)
    expect(table.model(KIND.certificateByNode)).toBe('array')
  })

  it('R6940-7.3-03 a Kind that nobody defined has no definition', () => {
    const table = new KindTable({ requiredKinds: [] })
    expect(table.definition(0xf0000001)).toBeUndefined()
    expect(table.model(0)).toBeUndefined()
    expect(table.ids()).toEqual([1, 2, 3, 0x10])
  })

  it('TURN-SERVICE never counts above 20', () => {
    const turn: KindDefinition = { ...privateKind, id: KIND.turnService, maxNodeMultiple: 255 }
    expect(new KindTable({ requiredKinds: [turn] }).definition(KIND.turnService)?.maxNodeMultiple).toBe(20)
    expect(new KindTable({ requiredKinds: [] }).definition(KIND.turnService)?.maxNodeMultiple).toBe(20)
  })
})
