/**
 * The adapter: REGISTER becomes a signed Store, a call to somebody who is not registered here becomes Fetch and AppAttach.
 * It translates and nothing else; SIP rules live in `sip`, overlay rules in `reload`. `NodeCore` joins all three
 * into the one machine that the app and the simulator drive.
 */
export * from './contract.ts'
export { NodeCore } from './node-core.ts'
export type { ProxyRecord } from './proxy-record.ts'
export type { AdapterCore, AdapterSnapshot } from './adapter-core.ts'
export type { AdapterInstruments } from './instruments.ts'
export { ANSWER_BYTES_MAX } from './node-talk.ts'
