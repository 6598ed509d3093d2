/** What a SIGHUP cannot change: such keys are named, so that nobody believes in a value that is not in force. */
import type { Config } from './schema.ts'

/** Taken over from the file while the node runs, beside all of `limits`; see live-settings.ts. */
export const LIVE_KEYS: ReadonlySet<string> = new Set([
  'log.level',
  'sip.maxForks',
  'sip.maxBindings',
  'overlay.certificate',
  'overlay.privateKey',
  'sip.tls.certificate',
  'sip.tls.privateKey',
  'sip.tls.ca',
])

/** Dotted keys whose values differ and count only after a restart. */
export function waitingForRestart(running: Config, read: Config): string[] {
  return differing(running, read, '').filter((key) => !isLive(key))
}

function isLive(key: string): boolean {
  return LIVE_KEYS.has(key) || key.startsWith('limits.')
}

function differing(a: unknown, b: unknown, key: string): string[] {
  if (!isSection(a) || !isSection(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [key]
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].flatMap((name) => differing(a[name], b[name], key === '' ? name : `${key}.${name}`))
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
