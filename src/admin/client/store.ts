/** What the node has told so far, by topic, and who wants to know when it tells more. */
import type {
  BindingsView,
  Check,
  PeerView,
  RatesView,
  RingView,
  StorageView,
  TracesView,
  WalkView,
} from '../answers.ts'

export interface Topics {
  readonly peer: { readonly peer: PeerView; readonly checks: readonly Check[] }
  readonly ring: RingView
  readonly walk: WalkView
  readonly storage: StorageView
  readonly bindings: BindingsView
  readonly calls: TracesView
  readonly rates: RatesView
  /** Whether the stream is up. */
  readonly live: boolean
}

type Listener = () => void

export class Store {
  private readonly values = new Map<keyof Topics, unknown>()
  private readonly times = new Map<keyof Topics, number>()
  private readonly listeners = new Map<keyof Topics, Set<Listener>>()

  get<K extends keyof Topics>(topic: K): Topics[K] | undefined {
    return this.values.get(topic) as Topics[K] | undefined
  }

  /** When the topic was last heard of, milliseconds since 1970. */
  heardAt(topic: keyof Topics): number {
    return this.times.get(topic) ?? 0
  }

  put<K extends keyof Topics>(topic: K, value: Topics[K]): void {
    this.values.set(topic, value)
    this.times.set(topic, Date.now())
    for (const listener of [...(this.listeners.get(topic) ?? [])]) listener()
  }

  /** Calls `listener` at every change of these topics; what is returned ends that. */
  on(topics: readonly (keyof Topics)[], listener: Listener): () => void {
    for (const topic of topics) {
      const set = this.listeners.get(topic) ?? new Set()
      set.add(listener)
      this.listeners.set(topic, set)
    }
    return () => {
      for (const topic of topics) this.listeners.get(topic)?.delete(listener)
    }
  }
}
