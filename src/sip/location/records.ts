/** DNS records as far as finding SIP servers needs them (RFC 1035, RFC 2782, RFC 3403, RFC 3596). */
import type { SrvTarget } from '../../common/srv-order.ts'

export type RecordType = 'A' | 'AAAA' | 'SRV' | 'NAPTR'

export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  readonly regexp: string
  readonly replacement: string
}

/** What a record of each type holds. Addresses are IP literals; names are lower-case without the last dot, '' is the root. */
export interface RecordData {
  readonly A: string
  readonly AAAA: string
  readonly SRV: SrvTarget
  readonly NAPTR: NaptrRecord
}

/** What a look-up came to. `none` is an answer too: the name or the type is not there. */
export type RecordAnswer<T extends RecordType> =
  | { readonly kind: 'records'; readonly records: readonly RecordData[T][]; readonly ttlS: number }
  | { readonly kind: 'none'; readonly ttlS: number }
  /** No name server had an answer: silence, refusal, nonsense. */
  | { readonly kind: 'failed'; readonly reason: string }
