/**
 * Every metric that the product has: name, help, type, labels, and the label values that exist from the start, so that an
 * alert can be written before the first event. Nothing here is labelled with an AOR, a Call-ID, a remote address or a
 * Node-ID other than our own.
 */
import type { MetricDefinition } from './define.ts'
import { CALL_METRICS } from './names/calls.ts'
import { OVERLAY_METRICS } from './names/overlay.ts'
import { PROCESS_METRICS } from './names/process.ts'
import { SIP_METRICS } from './names/sip.ts'
import { STORAGE_METRICS } from './names/storage.ts'

export type { MetricDefinition }

/** The catalogue. Keys are what the app hangs its readings on. */
export const METRICS = {
  ...PROCESS_METRICS,
  ...SIP_METRICS,
  ...CALL_METRICS,
  ...OVERLAY_METRICS,
  ...STORAGE_METRICS,
} as const satisfies Record<string, MetricDefinition>

/** Key of a metric of the catalogue. */
export type MetricKey = keyof typeof METRICS
