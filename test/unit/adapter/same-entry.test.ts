/** REGISTERs that tell something new and yet change nothing of the entry in the overlay (docs/adr/0030): no Store is made for them. */
import { expect, it } from 'vitest'
import { utf8 } from '../../../src/common/bytes.ts'
import { NO_TRACE } from '../../../src/common/trace.ts'
import { Publisher } from '../../../src/adapter/publish.ts'
import { SiblingMarks } from '../../../src/sip/index.ts'
import type { PublishedBinding } from '../../../src/sip/index.ts'
import {
  adapterParts,
  ALICE,
  at,
  binding,
  BOB,
  drained,
  nodeCredential,
  publication,
  stored,
  stores,
  userCredential,
} from './fixture.ts'

const HOUR = 3_600_000

/** Registers one list of bindings after the other; Stores that each of them took. */
function storesOf(
  marks: SiblingMarks | undefined,
  rounds: readonly (readonly PublishedBinding[])[],
): number[] {
  const parts = adapterParts({}, [ALICE, BOB], NO_TRACE, marks)
  const publisher = new Publisher(parts, nodeCredential())
  publisher.setHosted(at(0), [ALICE], new Map([[ALICE, userCredential(ALICE, 0xa1)]]))
  parts.outbox.drain()
  return rounds.map((bindings, index) => {
    publisher.register(at(index), publication(index + 1, ALICE, bindings))
    let made = 0
    for (;;) {
      const { commands, sip } = drained(parts)
      const asked = stores(commands)
      made += asked.length
      for (const { id } of asked) publisher.storeDone(at(index), stored(id))
      for (const each of sip) expect(each).toMatchObject({ kind: 'published', outcome: { ok: true } })
      if (asked.length === 0) return made
    }
  })
}

const MARKS = new SiblingMarks(utf8('secret'))
const phone = (contact: string): PublishedBinding => binding(contact, HOUR)
const A = phone('sip:alice@10.0.0.5')
const B = phone('sip:alice@10.0.0.6')
/** A phone whose Contact has a parameter that is no feature. */
const ODD = binding('sip:alice@10.0.0.5', HOUR, { parameters: new Map([['line', 'abc']]) })

it.each([
  ['a parameter of the URI comes and goes', [[A], [phone('sip:alice@10.0.0.5;rinstance=1')], [A]], [1, 0, 0]],
  [
    'the host is written in another case',
    [[phone('sip:a@Ten.example')], [phone('sip:a@ten.EXAMPLE')]],
    [1, 0],
  ],
  [
    'two phones are told in the other order',
    [
      [A, B],
      [B, A],
    ],
    [1, 0],
  ],
  ['another phone comes, and goes', [[A], [A, B], [A]], [1, 1, 1]],
  ['a Contact parameter that is no feature comes and goes', [[A], [ODD], [A], [ODD]], [1, 0, 0, 0]],
])('M-31 %s', (_, rounds, expected) => {
  expect(storesOf(MARKS, rounds)).toEqual(expected)
})

it('without marks one entry stands for all phones that state nothing', () => {
  expect(storesOf(undefined, [[A], [A, B], [B], [ODD, B], [A]])).toEqual([1, 0, 0, 0, 0])
})
