/** DNS records with a memory: answers are used for as long as they are good, and one question is never under way twice. */
import { RecordCache, type RecordAnswer, type RecordType } from '../location/index.ts'

/** Whoever puts questions to name servers. Never rejects. */
export interface RecordSource {
  ask<T extends RecordType>(name: string, type: T, withinMs: number): Promise<RecordAnswer<T>>
}

export class DnsRecords implements RecordSource {
  private readonly source: RecordSource
  private readonly now: () => number
  private readonly cache: RecordCache
  private readonly underWay = new Map<string, Promise<RecordAnswer<RecordType>>>()

  /** `now`: milliseconds that only ever rise. */
  constructor(
    components: { readonly source: RecordSource; readonly now: () => number },
    cache: RecordCache = new RecordCache(),
  ) {
    this.source = components.source
    this.now = components.now
    this.cache = cache
  }

  async ask<T extends RecordType>(name: string, type: T, withinMs: number): Promise<RecordAnswer<T>> {
    const kept = this.cache.find(this.now(), name, type)
    if (kept !== undefined) return kept
    const key = `${type} ${name.toLowerCase()}`
    const other = this.underWay.get(key)
    // The key holds the type.
    if (other !== undefined) return (await other) as RecordAnswer<T>
    const asking = this.source.ask(name, type, withinMs)
    this.underWay.set(key, asking)
    try {
      const answer = await asking
      this.cache.keep(this.now(), name, type, answer)
      return answer
    } finally {
      this.underWay.delete(key)
    }
  }
}
