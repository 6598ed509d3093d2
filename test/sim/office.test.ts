/** Hours in an office, seed by seed: whoever is there is called at each of his phones, whoever is not is said not to be. */
import { expect, it } from 'vitest'
import { CALM } from '../../src/sim/faults.ts'
import { Office, type OfficePlan } from './office.ts'

const HOUR_MS = 3_600_000
/** More by hand: HOURS=24 SEED=any. */
const HOURS = Number(process.env['HOURS'] ?? 4)
const CAREFUL = { sip: { verifyCaller: 'reject', persistBindings: true } } as const

const WEATHER = {
  ...CALM,
  latencyMs: 40,
  jitterMs: 60,
  lossChance: 0.01,
  retransmitMs: 300,
  resetChance: 0.0002,
  diskMs: 6,
}

const PLANS: readonly (readonly [name: string, plan: OfficePlan])[] = [
  ['four nodes', { nodes: 4, users: 10, options: CAREFUL }],
  ['bindings that are not kept', { nodes: 4, users: 10, options: {} }],
  ['bad lines', { nodes: 5, users: 10, options: { ...CAREFUL, faults: WEATHER } }],
  [
    'two nodes, each for itself',
    { nodes: 2, users: 6, options: { ...CAREFUL, adapter: { standalone: true } } },
  ],
]

it.each(PLANS)('R-03 R-05 R-09 M-08 M-17 M-21 M-22 M-31 hours of an office: %s', (name, plan) => {
  const office = new Office(process.env['SEED'] ?? name, plan)
  office.run(HOURS * HOUR_MS)
  expect(office.faults).toEqual([])
  // They were hours as any others.
  const { answer, byes, crashes, leaves } = office.counts
  expect(Math.min(answer, byes, crashes + leaves)).toBeGreaterThan(3)
})
