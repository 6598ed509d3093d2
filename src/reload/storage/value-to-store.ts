import type { DataModel, KindId } from '../codec/index.ts'

/** A value that somebody on this node wants to have stored; signing and storage_time are the peer's business. */
export interface ValueToStore {
  readonly kind: KindId
  readonly model: DataModel
  /** Array index; 0xffffffff appends. */
  readonly index?: number
  /** Dictionary key. */
  readonly key?: Uint8Array
  readonly exists: boolean
  readonly value: Uint8Array
  /** Seconds. */
  readonly lifetimeS: number
}
