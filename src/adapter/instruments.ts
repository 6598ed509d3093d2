import { Histogram, SECONDS_BUCKETS, Tally } from '../common/instruments.ts'

/** What the adapter counts; names of the metrics are in metrics/names.ts. */
export class AdapterInstruments {
  /** app=sip/sips. Seconds from AppAttach to the proven flow. */
  readonly flowSetupSeconds = new Histogram(SECONDS_BUCKETS, ['sip', 'sips'])
  readonly flowsReused = new Tally(['sip', 'sips'])
  /** Entries that were fetched and not believed: wrong user, wrong key, undecodable. */
  readonly entriesIgnored = new Tally([''])
  /** Stores of hosted users that failed for good. */
  readonly storeFailures = new Tally([''])
}
