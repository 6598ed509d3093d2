import type { Millis } from '../common/time.ts'
import type { AdapterSettings } from './contract.ts'

/** Head-room over the longest binding, so that most refreshes of a phone cost no overlay traffic (M-14). */
const HEADROOM_S = 60
/** A value that lives less than this is renewed however long it was stored for (M-14). */
const RENEW_BELOW_S = 120
const RENEW_FRACTION = 0.25

/**
 * Overlay lifetime in seconds for an entry (M-14): the longest remaining binding plus head-room, clamped by the
 * settings and by what is left of the signing certificate, since signatures die with it.
 */
export function overlayLifetimeS(
  bindingRemainingMs: Millis,
  certificateRemainingMs: Millis,
  settings: Pick<AdapterSettings, 'overlayLifetimeMinS' | 'overlayLifetimeMaxS'>,
): number {
  const wanted = Math.ceil(bindingRemainingMs / 1000) + HEADROOM_S
  const clamped = Math.min(Math.max(wanted, settings.overlayLifetimeMinS), settings.overlayLifetimeMaxS)
  return Math.max(0, Math.min(clamped, Math.floor(certificateRemainingMs / 1000)))
}

/** How much of an entry's life is left, in ms, when it is to be renewed by write-behind. */
export function renewalMarginMs(lifetimeS: number): Millis {
  return 1000 * Math.max(RENEW_BELOW_S, lifetimeS * RENEW_FRACTION)
}

/**
 * Lifetime in seconds of a removal (RFC 6940 s.7.4.1.3): not shorter than what is left of the value that it hides, or an old
 * replica could bring that back.
 */
export function removalLifetimeS(remainingMs: Millis): number {
  return Math.max(Math.ceil(remainingMs / 1000), 60)
}

/** Spreads `ms` by plus or minus a tenth, so that users who registered together do not renew together. */
export function jittered(ms: Millis, random: { float(): number }): Millis {
  return ms * (0.9 + 0.2 * random.float())
}
