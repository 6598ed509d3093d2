/**
 * What requests of peers may do (adapter-mapping s.4.4, s.4.8): they reach users who are registered here, and with `overlayExit` leave for
 * other domains and the gateway, for callers whom the overlay confirms.
 */
import type { Millis } from '../../common/time.ts'
import type { CallerIdentity, Wish } from '../proxy/index.ts'
import type { IncomingRequest } from '../transaction/index.ts'
import type { CallerChecks, CallerWord, Judgement } from './caller-checks.ts'
import type { Errands } from './errands.ts'
import type { Flows } from './flows.ts'
import type { HeldRequest } from './held-requests.ts'
import type { Reply } from './replies.ts'

export type PeerAdmissionOutcome =
  | { readonly kind: 'admitted'; readonly identity: CallerIdentity; readonly mayLeave: boolean }
  | { readonly kind: 'refused'; readonly reply: Reply }
  /** The overlay is being asked who calls; `key` is what `CallerChecks.wait` wants. */
  | { readonly kind: 'waiting'; readonly key: string }

export interface PeerAdmissionComponents {
  readonly callerChecks: CallerChecks<HeldRequest>
  readonly flows: Flows
  readonly errands: Errands
}

export interface PeerAdmissionSettings {
  readonly overlayExit: boolean
  /** `sip.verifyCaller: reject`. */
  readonly verifiedOnly: boolean
}

/** E46, S-24. */
export const NO_RELAY: Reply = { status: 403, reason: 'No Relay' }
/** Adapter-mapping s.4.8. */
const NOT_VERIFIED: Reply = { status: 403, reason: 'Caller Not Verified' }
/** Nobody has said no: another peer that has the phone may know, and so may this one soon. */
const NOT_KNOWN: Reply = { status: 480, reason: 'Caller Cannot Be Verified' }

export class PeerAdmission {
  private readonly components: PeerAdmissionComponents
  private readonly settings: PeerAdmissionSettings

  constructor(components: PeerAdmissionComponents, settings: PeerAdmissionSettings) {
    this.components = components
    this.settings = settings
  }

  /** `answer` is what the overlay has said meanwhile, for a request that has waited for it. */
  judge(now: Millis, incoming: IncomingRequest, wish: Wish, answer?: CallerWord): PeerAdmissionOutcome {
    const { callerChecks, flows, errands } = this.components
    const { overlayExit, verifiedOnly } = this.settings
    const { message, source } = incoming
    const inside = wish.kind === 'aor' || (wish.kind === 'gruu' && wish.own)
    const leaves = wish.kind === 'foreign' && overlayExit
    if (!inside && !leaves) return { kind: 'refused', reply: NO_RELAY }
    const user = flows.get(source.flow)?.user
    const mayNeedExit = leaves || (overlayExit && wish.kind === 'aor' && errands.leadsOut(now, wish.aor))
    let judgement: Judgement['kind'] = 'unverified'
    if (verifiedOnly || mayNeedExit) {
      const judged =
        answer === undefined ? callerChecks.judge(now, message, source.host, user) : { kind: answer }
      if (judged.kind === 'waiting') return judged
      judgement = judged.kind
    }
    // Nobody in the overlay can confirm a caller of another domain: he may call in, as from outside, but not through.
    const confirmed = judgement === 'verified' || (judgement === 'stranger' && !leaves)
    if ((leaves || verifiedOnly) && !confirmed)
      return { kind: 'refused', reply: judgement === 'unknown' ? NOT_KNOWN : NOT_VERIFIED }
    const identity = callerChecks.identity(now, message, source.host, user)
    return { kind: 'admitted', identity, mayLeave: overlayExit && judgement === 'verified' }
  }
}
