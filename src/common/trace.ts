import type { Private } from './pii.ts'

/** Values that may stand in a log line. Personal data comes wrapped (pii.ts) and is shortened by the log writer. */
export type TraceValue = string | number | boolean | bigint | Private | undefined

/**
 * Something worth telling a person: a state change, a drop, a limit reached. Not for every message; those are counted
 * (instruments.ts). `event` is a stable snake_case name that log filters may rely on.
 */
export interface TraceEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly area: 'sip' | 'adapter' | 'reload' | 'enrollment' | 'app'
  readonly event: string
  readonly [field: string]: TraceValue
}

/** Sink handed to every machine. Must not throw and must not call back. */
export type Trace = (event: TraceEvent) => void

export const NO_TRACE: Trace = () => undefined
