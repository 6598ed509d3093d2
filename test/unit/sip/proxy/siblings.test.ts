import { expect, it } from 'vitest'
import { Siblings, type MarkedTarget } from '../../../../src/sip/proxy/siblings.ts'

it('M-31 who takes the place of a phone that is off does not ring another one that rings already', () => {
  const siblings = new Siblings<MarkedTarget>()
  // At the caller's own peer a phone that is there and one that is off; at the other peer both, and a third.
  const here = { key: 'here', marks: ['there'] }
  const off = { key: 'off', marks: ['off'] }
  expect(siblings.admit(here, false)).toBe(here)
  expect(siblings.admit(off, false)).toBe(off)
  const other = { key: 'other', marks: ['there', 'off', 'third'] }
  expect(siblings.admit(other, false)).toEqual({ key: 'other', marks: ['third'], except: ['there', 'off'] })
  expect(siblings.takeFor(off)).toEqual([{ key: 'other', marks: ['off'], except: ['third', 'there'] }])
  // And that one, too, has somebody to stand in for it.
  expect(siblings.hasFor(here)).toBe(true)
  expect(siblings.takeFor(here)).toEqual([{ key: 'other', marks: ['there'], except: ['third', 'off'] }])
  expect(siblings.takeFor(here)).toEqual([])
})
