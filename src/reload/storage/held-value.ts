/**
 * A value as it lies here. A peer holds very many and looks at few, so that only the bytes are kept, as text of one byte a character:
 * a string is one object in V8, without pointers to follow and without the buffer, the view and the memory outside of the heap that
 * a Uint8Array of some hundred bytes brings along. What is asked for is read from it each time (docs/adr/0030).
 */
import { invariant } from '../../common/assert.ts'
import { latin1Bytes, byteText } from '../../common/byte-text.ts'
import type { Deadline, Deadlines } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import { decodeStoredData, type KindId, type ResourceId, type StoredData } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import type { Signer } from '../security/trust.ts'
import { modelOfSlot } from './data-models.ts'
import type { ValueChecks } from './value-checks.ts'

/** Where a value lies. */
export interface ValuePlace {
  readonly resource: ResourceId
  readonly kind: KindId
  /** Its place within the Kind (data-models.ts). */
  readonly slot: string
}

/** That a value was found right, and under which rules. */
export interface Checked {
  readonly checks: ValueChecks
  readonly signer: Signer
}

/** Bytes of a StoredData (RFC 6940 s.7) before its value: length, storage_time, lifetime. */
const HEAD_BYTES = 16
/** Where storage_time stands. */
const TIME_AT = 4

export class HeldValue implements ValuePlace {
  readonly resource: ResourceId
  readonly kind: KindId
  readonly slot: string
  /** Certificate of the signer, then of those who issued it, root excluded. */
  readonly certificates: readonly Certificate[]
  /** When its time is over. */
  readonly expiry: Deadline<ValuePlace>
  /** Set by who has looked at its signature and policy. */
  checked: Checked | undefined
  private readonly text: string

  /** `expiries` will name it when its time is over. */
  constructor(
    { resource, kind, slot }: ValuePlace,
    {
      encoded,
      certificates,
      expiresAt,
    }: {
      readonly encoded: Uint8Array
      readonly certificates: readonly Certificate[]
      readonly expiresAt: Millis
    },
    expiries: Deadlines<ValuePlace>,
  ) {
    this.resource = resource
    this.kind = kind
    this.slot = slot
    this.certificates = certificates
    this.expiry = expiries.set(expiresAt, this)
    this.checked = undefined
    this.text = byteText(encoded, 'latin1')
  }

  /** Monotonic time at which it is gone. */
  get expiresAt(): Millis {
    return this.expiry.at
  }

  /** Bytes of the value with its signature. */
  get size(): number {
    return this.text.length
  }

  /** Whether a value of that storage_time would be older than, of the same time as, or newer than this one; without reading all of it. */
  compareTime(storageTime: bigint): 'older' | 'same' | 'newer' {
    const high = Number(storageTime >> 32n)
    const low = Number(storageTime & 0xffff_ffffn)
    const differs = high === this.u32(TIME_AT) ? low - this.u32(TIME_AT + 4) : high - this.u32(TIME_AT)
    return differs === 0 ? 'same' : differs < 0 ? 'older' : 'newer'
  }

  /** With its real array index; lifetime as received. Read anew each time, on bytes that nobody else has. */
  get data(): StoredData {
    const decoded = decodeStoredData(latin1Bytes(this.text), modelOfSlot(this.slot))
    invariant(decoded.ok, 'what was stored can be read')
    return decoded.value
  }

  /** False for one that was removed (RFC 6940 s.7.4.1.3). */
  get exists(): boolean {
    return this.text.charCodeAt(this.existsAt()) === 1
  }

  private u32(at: number): number {
    const { text } = this
    const high = text.charCodeAt(at) * 256 + text.charCodeAt(at + 1)
    return high * 0x1_0000 + text.charCodeAt(at + 2) * 256 + text.charCodeAt(at + 3)
  }

  private existsAt(): number {
    switch (modelOfSlot(this.slot)) {
      case 'single':
        return HEAD_BYTES
      case 'array':
        return HEAD_BYTES + 4
      case 'dictionary':
        return HEAD_BYTES + 2 + 256 * this.text.charCodeAt(HEAD_BYTES) + this.text.charCodeAt(HEAD_BYTES + 1)
    }
  }
}
