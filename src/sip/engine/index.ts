/** Engines in front of this node, for sip/core. */
export { DRACHTIO_CAPABILITIES, EMBEDDED_CAPABILITIES, type EngineCapabilities } from './capabilities.ts'
export { decisionOf, type Decision } from './decision.ts'
export { frontUri } from './front-address.ts'
export { Front, type DecisionAction, type FrontSettings, type QuestionId } from './front.ts'
export { withoutClaim, type Handover } from './handovers.ts'
