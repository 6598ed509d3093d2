/**
 * Session timers that the proxy asks for (RFC 4028 s.8), so that a call whose phones are gone ends by itself. The proxy keeps no call: it asks in
 * every session refresh request and remembers until the response.
 */
import type { Edit, SipMessage } from '../message/index.ts'

/** Seconds. `minimum` is not below 90 (RFC 4028 s.8.1), `expires` not below `minimum`. */
export interface SessionTimerPolicy {
  /** Asked for where nobody has, and the longest that is let pass. */
  readonly expires: number
  /** The shortest that is let pass. */
  readonly minimum: number
}

/** What is done about one session refresh request. */
export type SessionTimer =
  /** 422: its interval is too small, and who has sent it can do better. */
  | { readonly kind: 'tooSmall'; readonly minimum: number }
  | {
      readonly kind: 'asked'
      /** Seconds that the forwarded request asks for. */
      readonly interval: number
      /** Value of Session-Expires to write; undefined leaves it as it came. */
      readonly sessionExpires: string | undefined
      /** Value of Min-SE to write. */
      readonly minSe: string | undefined
      /** The caller supports timers. */
      readonly supported: boolean
    }

/** RFC 4028 s.5: what holds where no Min-SE says anything. */
const MIN_SE_DEFAULT = 90
const SECONDS_MAX = 0xffff_ffff

/** Undefined for other requests, and where what stands in the headers cannot be read: that is between the phones. */
export function sessionTimer(message: SipMessage, policy: SessionTimerPolicy): SessionTimer | undefined {
  if (message.method !== 'INVITE' && message.method !== 'UPDATE') return undefined
  const supported = hasTimerTag(message, 'supported')
  const asked = message.header('session-expires')
  const least = message.header('min-se')
  const minSe = least === undefined ? undefined : secondsOf(least)
  if (least !== undefined && minSe === undefined) return undefined
  if (asked === undefined) {
    // Never below what the request itself says.
    const interval = Math.max(policy.expires, minSe ?? MIN_SE_DEFAULT)
    return { kind: 'asked', interval, sessionExpires: String(interval), minSe: undefined, supported }
  }
  const wanted = secondsOf(asked)
  if (wanted === undefined) return undefined
  if (wanted < policy.minimum && supported) return { kind: 'tooSmall', minimum: policy.minimum }
  // Min-SE is written only for those who know no timers (RFC 4028 s.8.1, s.11.1).
  const raised = !supported && wanted < policy.minimum
  const floor = raised ? Math.max(minSe ?? 0, policy.minimum) : (minSe ?? MIN_SE_DEFAULT)
  const interval = Math.max(Math.min(wanted, policy.expires), floor)
  return {
    kind: 'asked',
    interval,
    sessionExpires: interval === wanted ? undefined : `${interval}${parametersOf(asked)}`,
    minSe: raised && floor !== minSe ? String(floor) : undefined,
    supported,
  }
}

/** Writes into the request what was decided. */
export function askFor(timer: Extract<SessionTimer, { kind: 'asked' }>, edit: Edit): void {
  if (timer.sessionExpires !== undefined) edit.set('session-expires', timer.sessionExpires)
  if (timer.minSe !== undefined) edit.set('min-se', timer.minSe)
}

/**
 * RFC 4028 s.8.2: a callee that knows no timers says nothing of one. Its caller, who does, learns that the timer runs and that it is his to refresh.
 */
export function tellCaller(timer: SessionTimer, response: SipMessage, edit: Edit): void {
  if (timer.kind !== 'asked' || !timer.supported || response.has('session-expires')) return
  if (response.status < 200 || response.status >= 300) return
  edit.append('session-expires', `${timer.interval};refresher=uac`)
  if (!hasTimerTag(response, 'require')) edit.append('require', 'timer')
}

function hasTimerTag(message: SipMessage, header: 'supported' | 'require'): boolean {
  return message.values(header).some((tag) => tag.trim().toLowerCase() === 'timer')
}

/** delta-seconds before any parameters; undefined when it is no number. */
function secondsOf(value: string): number | undefined {
  const end = value.indexOf(';')
  const digits = (end < 0 ? value : value.slice(0, end)).trim()
  if (digits === '' || digits.length > 10) return undefined
  let seconds = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return undefined
    seconds = 10 * seconds + digit
  }
  return seconds > SECONDS_MAX ? undefined : seconds
}

/** `refresher` above all, which is not ours to touch. */
function parametersOf(value: string): string {
  const at = value.indexOf(';')
  return at < 0 ? '' : value.slice(at)
}
