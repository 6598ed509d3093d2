/**
 * drachtio-srf writes SIP messages that it cannot read to standard error, whole: with names, addresses and whatever somebody has put
 * into them, and as often as they are sent. While a connection is open the log says so instead, without them.
 */
import { TokenBucket } from '../../../common/token-bucket.ts'
import type { Trace } from '../../../common/trace.ts'

const UNREADABLE = /^unable to parse (incoming message|echoed [\w ]+): /
/** Judgement: seen at once, and no way to fill a disk; in lines a second. */
const LINES = { perSecond: 0.1, burst: 10 }

/** Returns what puts the console right again. */
export function quietConsole(trace: Trace): () => void {
  const before = console.error
  const lines = new TokenBucket(LINES, performance.now())
  const quiet = (...parts: unknown[]): void => {
    const [, text] = parts
    const what = typeof text === 'string' ? UNREADABLE.exec(text)?.[1] : undefined
    if (what === undefined) return before.apply(console, parts)
    if (lines.take(LINES, performance.now()) > 0) return
    const bytes = (text as string).length
    trace({ level: 'warn', area: 'sip', event: 'engine_message_unreadable', what, bytes })
  }
  console.error = quiet
  return () => {
    if (console.error === quiet) console.error = before
  }
}
