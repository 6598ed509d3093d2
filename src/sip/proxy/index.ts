/** The proxy, for sip/core. */
export { NO_IDENTITY, wantsPrivacy, type CallerIdentity } from './caller-identity.ts'
export { callerPreferences } from './caller-preferences.ts'
export { CallMeter } from './call-meter.ts'
export { reasonsOf } from './cancel-reasons.ts'
export { CallRecord } from './call-record.ts'
export { classify, type Wish } from './classify.ts'
export { isRecordRouted } from './forward.ts'
export type { ClientUser, ForkContext } from './branch.ts'
export { SILENCE_MS } from './branch-sender.ts'
export { NO_LINES, type Credentials, type CreditedRequest, type Lines } from './lines.ts'
export type { HeldAddresses } from './held-addresses.ts'
export type { LargeRequests } from './large-requests.ts'
export {
  isNumber,
  NO_OUTSIDE_RULES,
  Outside,
  TRUNK,
  type Fallback,
  type OutsideRoute,
  type OutsideRules,
} from './outside.ts'
export { OwnIdentity, type OwnListener, type PeerIdentity } from './own-identity.ts'
export type { LocatedTarget, LocateOutcome, PeerFlowOutcome, ResolveOutcome } from './outcomes.ts'
export type { LocalBinding, ProxyPorts } from './ports.ts'
export { Proxy } from './proxy.ts'
export type { Goal, ProxyRequest } from './proxy-request.ts'
export { decideRoute, type RouteDecision } from './route.ts'
export { RouteTokens } from './route-token.ts'
export type { Way } from './targets.ts'
export type { SessionTimerPolicy } from './session-timer.ts'
export { isSips } from './sips.ts'
export { addOtherwise, isPassedOver, isSamePlace } from './phone-target.ts'
export { isTooNear } from './abroad.ts'
export { aorUri, hostTarget, pathWay } from './target-kinds.ts'
export { phoneHere } from './stand-in.ts'
export { TargetSearch, type SearchOwner, type SearchRequest } from './target-search.ts'
export type { Target, TargetPath } from './targets.ts'
export type { ProxySettings } from './environment.ts'
