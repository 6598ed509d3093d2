import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 100

/** Looks until `holds` says yes; what it throws counts as no and is told at the end. Fails after `withinMs`. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    let reason = ''
    try {
      if (await holds()) return
    } catch (error) {
      reason = error instanceof Error ? `: ${error.message}` : `: ${String(error)}`
    }
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}${reason}`)
    await sleep(LOOK_EVERY_MS)
  }
}
