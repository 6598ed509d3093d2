/** The proxy, for sip/core. */
export { CallMeter } from './call-meter.ts'
export { classify, type Wish } from './classify.ts'
export type { Branch, ForkContext } from './branch.ts'
export { OwnIdentity } from './own-identity.ts'
export type { LocalBinding, ProxyPorts } from './ports.ts'
export { Proxy, type Goal, type ProxyRequest } from './proxy.ts'
export { decideRoute, type RouteDecision } from './route.ts'
export { RouteTokens } from './route-token.ts'
