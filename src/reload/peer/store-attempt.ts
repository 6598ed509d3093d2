import type { Millis } from '../../common/time.ts'
import type { PeerCommand } from './contract.ts'

/** A store command under way. */
export interface StoreAttempt {
  readonly command: Extract<PeerCommand, { kind: 'store' }>
  /** When whoever gave it stops waiting; undefined when the command named no time. */
  readonly until: Millis | undefined
  /** It goes out for the second time, with a storage_time that is later than that of the value it found. */
  readonly again: boolean
  /** Of the values that went out with it. */
  readonly storageTime: bigint
  /** How often a peer on the way knew of none that comes next. */
  readonly astray: number
}

/** A fetch command under way. */
export interface FetchAttempt {
  readonly command: Extract<PeerCommand, { kind: 'fetch' }>
  /** As in `StoreAttempt`. */
  readonly until: Millis | undefined
  readonly astray: number
}
