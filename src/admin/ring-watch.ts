/** Walks the ring again and again while somebody watches: soon after a change nearby, rarely when all is calm. */
import type { WalkView } from './answers.ts'
import type { AdminNode } from './port.ts'

/** Pause after a walk: at least, and as so many times what it took, so that a large ring is not asked all the time. */
const PAUSE_MIN_MS = 2_500
const PAUSE_SHARE = 8
/** Judgement: a change is seen here before those beside us have settled. */
const AFTER_CHANGE_MS = 400

export class RingWatch {
  private readonly node: AdminNode
  private readonly seen: (walk: WalkView) => void
  private timer: NodeJS.Timeout | undefined
  private watching = false
  private walking = false
  private again = false

  constructor(node: AdminNode, seen: (walk: WalkView) => void) {
    this.node = node
    this.seen = seen
  }

  start(): void {
    if (this.watching) return
    this.watching = true
    this.after(0)
  }

  stop(): void {
    this.watching = false
    clearTimeout(this.timer)
  }

  /** The neighborhood of this node has changed. */
  changed(): void {
    if (this.walking) this.again = true
    else this.after(AFTER_CHANGE_MS)
  }

  private after(ms: number): void {
    if (!this.watching) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.walk(), ms)
    this.timer.unref()
  }

  private async walk(): Promise<void> {
    if (this.walking) return
    this.walking = true
    const began = performance.now()
    const result = await this.node.walk()
    this.walking = false
    if (!this.watching) return
    if (result.ok) this.seen(result.value)
    const tookMs = performance.now() - began
    this.after(this.again ? AFTER_CHANGE_MS : Math.max(PAUSE_MIN_MS, PAUSE_SHARE * tookMs))
    this.again = false
  }
}
