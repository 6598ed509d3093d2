import { ERROR_CODE, type CommandError } from '../reload/index.ts'

/** One row of adapter-mapping s.7: what a RELOAD failure means to a phone. */
export interface SipFailure {
  readonly status: number
  readonly reason: string
  readonly retryAfterS?: number
}

/** What to try before the phone is told. */
export interface StoreRetry {
  readonly delayMs: number
  /** Store again without contact_prefs, which are what makes an entry large. */
  readonly smaller: boolean
}

const UNAVAILABLE = 'Overlay Unavailable'

/**
 * Adapter-mapping s.7.1: failure of the Store behind a REGISTER. 503 rather than 504 (M-28), because phones handle
 * 503 with Retry-After alike; `jitter` in [0,1) spreads the ones that come in crowds.
 */
export function registerFailure(error: CommandError, jitter: number): SipFailure {
  switch (error.kind) {
    case 'notJoined':
      return { status: 503, reason: UNAVAILABLE, retryAfterS: 30 }
    case 'timeout':
      return { status: 503, reason: 'Overlay Timeout', retryAfterS: 10 + Math.floor(20 * jitter) }
    case 'link':
    case 'invalidAnswer':
      return { status: 503, reason: UNAVAILABLE, retryAfterS: 10 }
    case 'reload':
      return storeErrorFailure(error.code, jitter)
  }
}

function storeErrorFailure(code: number, jitter: number): SipFailure {
  switch (code) {
    case ERROR_CODE.forbidden:
      return { status: 403, reason: 'Name Not Admissible in Overlay' }
    case ERROR_CODE.requestTimeout:
      return { status: 503, reason: 'Overlay Timeout', retryAfterS: 10 + Math.floor(20 * jitter) }
    case ERROR_CODE.incompatibleWithOverlay:
      return { status: 503, reason: UNAVAILABLE, retryAfterS: 60 }
    case ERROR_CODE.unknownKind:
      return { status: 503, reason: 'Overlay Lacks SIP Usage', retryAfterS: 300 }
    case ERROR_CODE.inProgress:
      return { status: 503, reason: UNAVAILABLE, retryAfterS: 5 }
    case ERROR_CODE.dataTooOld:
    case ERROR_CODE.generationCounterTooLow:
      return { status: 500, reason: 'Overlay Holds Newer Data', retryAfterS: 5 }
    case ERROR_CODE.dataTooLarge:
    case ERROR_CODE.messageTooLarge:
    case ERROR_CODE.responseTooLarge:
      return { status: 500, reason: 'Registration Too Large for Overlay' }
    case ERROR_CODE.invalidMessage:
      return { status: 500, reason: 'Overlay Refused Message' }
    default:
      return { status: 503, reason: UNAVAILABLE, retryAfterS: 10 }
  }
}

/** Adapter-mapping s.7.1, column "action": what is tried once more before giving up; undefined when nothing helps. */
export function storeRetry(error: CommandError): StoreRetry | undefined {
  if (error.kind !== 'reload') return undefined
  switch (error.code) {
    case ERROR_CODE.notFound:
    case ERROR_CODE.inProgress:
      return { delayMs: 1000, smaller: false }
    case ERROR_CODE.ttlExceeded:
    case ERROR_CODE.dataTooOld:
    case ERROR_CODE.configTooOld:
    case ERROR_CODE.configTooNew:
      return { delayMs: 0, smaller: false }
    case ERROR_CODE.dataTooLarge:
    case ERROR_CODE.messageTooLarge:
    case ERROR_CODE.responseTooLarge:
      return { delayMs: 0, smaller: true }
    default:
      return undefined
  }
}

/** Adapter-mapping s.7.2, rows "Fetch": undefined means the overlay simply holds nothing. */
export function fetchFailure(error: CommandError): SipFailure | undefined {
  switch (error.kind) {
    case 'notJoined':
      return { status: 503, reason: UNAVAILABLE, retryAfterS: 30 }
    case 'timeout':
      return { status: 504, reason: 'Overlay Timeout' }
    case 'link':
    case 'invalidAnswer':
      return { status: 500, reason: 'Overlay Answer Not Trusted' }
    case 'reload':
      break
  }
  switch (error.code) {
    case ERROR_CODE.notFound:
      return undefined
    case ERROR_CODE.requestTimeout:
      return { status: 504, reason: 'Overlay Timeout' }
    case ERROR_CODE.unknownKind:
      return { status: 503, reason: 'Overlay Lacks SIP Usage', retryAfterS: 300 }
    default:
      return { status: 500, reason: 'Overlay Refused Lookup' }
  }
}

/** Adapter-mapping s.7.2, rows "AppAttach", ICE and (D)TLS: no detail is revealed to the caller. */
export function attachFailure(error: CommandError): SipFailure {
  if (error.kind === 'reload' && error.code === ERROR_CODE.forbidden)
    return { status: 403, reason: 'Forbidden' }
  if (error.kind === 'notJoined') return { status: 503, reason: UNAVAILABLE, retryAfterS: 30 }
  return { status: 480, reason: 'Temporarily Unavailable' }
}

/** Failures after which the node is not asked again for a while: it is gone, or does not serve the application. */
export function attachNegative(error: CommandError): boolean {
  return error.kind === 'timeout' || (error.kind === 'reload' && error.code === ERROR_CODE.notFound)
}
