/** The client transactions that there are: by branch and method, by the flow that they wait on, and what their requests weigh. */
import type { ClientTransaction } from './machinery.ts'

export class ClientTable<C> {
  /** Requests that may have to be repeated, in bytes. */
  bytes = 0
  private readonly byKey = new Map<string, ClientTransaction<C>>()
  private readonly byFlow = new Map<number, Set<ClientTransaction<C>>>()

  get size(): number {
    return this.byKey.size
  }

  add(transaction: ClientTransaction<C>): void {
    const { flow } = transaction.hop
    this.byKey.set(transaction.key, transaction)
    this.bytes += transaction.weight
    if (flow === 0) return
    const onFlow = this.byFlow.get(flow)
    if (onFlow === undefined) this.byFlow.set(flow, new Set([transaction]))
    else onFlow.add(transaction)
  }

  find(key: string): ClientTransaction<C> | undefined {
    return this.byKey.get(key)
  }

  /** As they are now: what is done with one may end others. */
  waitingOn(flow: number): readonly ClientTransaction<C>[] {
    const onFlow = this.byFlow.get(flow)
    return onFlow === undefined ? [] : [...onFlow]
  }

  remove(transaction: ClientTransaction<C>): void {
    const { flow } = transaction.hop
    this.lighten(transaction)
    this.byKey.delete(transaction.key)
    const onFlow = this.byFlow.get(flow)
    if (onFlow?.delete(transaction) === true && onFlow.size === 0) this.byFlow.delete(flow)
  }

  /** Its request need not be repeated any more. */
  lighten(transaction: ClientTransaction): void {
    this.bytes -= transaction.weight
    transaction.weight = 0
  }
}
