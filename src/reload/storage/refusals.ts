/** The ErrorResponses of the storage methods with their error_info (RFC 6940 s.7.4.1.2 and s.6.3.3.1). */
import { utf8 } from '../../common/bytes.ts'
import { fail } from '../../common/errors.ts'
import {
  encodeStoreAns,
  encodeUnknownKinds,
  ERROR_CODE,
  type ErrorResponse,
  type KindId,
  type StoreKindResponse,
} from '../codec/index.ts'

type Refusal = { readonly ok: false; readonly error: ErrorResponse }

/** An error with a text for people as error_info. */
export function refuse(errorCode: number, reason: string): Refusal {
  return fail({ errorCode, errorInfo: utf8(reason) })
}

/** Error_Unknown_Kind with every unknown Kind-ID; also for requests that the decoder could not read because of them. */
export function unknownKinds(kinds: readonly KindId[]): Refusal {
  return fail({ errorCode: ERROR_CODE.unknownKind, errorInfo: encodeUnknownKinds(kinds) })
}

/** Error_Generation_Counter_Too_Low: error_info is a StoreAns with the right counters and no replicas. */
export function generationTooLow(counters: readonly Omit<StoreKindResponse, 'replicas'>[]): Refusal {
  const kindResponses = counters.map((counter) => ({ ...counter, replicas: [] }))
  return fail({ errorCode: ERROR_CODE.generationCounterTooLow, errorInfo: encodeStoreAns({ kindResponses }) })
}
