/** Which AORs have bindings pinned to a flow. */
export class FlowIndex {
  private readonly aors = new Map<number, Set<string>>()
  /** Flows that have had several at once: not a phone's own connection, most likely that of a proxy in front of many. */
  private readonly shared = new Set<number>()

  /** Flow 0 (datagrams) is not indexed. */
  add(flow: number, aor: string): void {
    if (flow === 0) return
    const set = this.aors.get(flow)
    if (set === undefined) {
      this.aors.set(flow, new Set([aor]))
      return
    }
    set.add(aor)
    if (set.size > 1) this.shared.add(flow)
  }

  remove(flow: number, aor: string): void {
    const set = this.aors.get(flow)
    if (set?.delete(aor) !== true || set.size > 0) return
    this.aors.delete(flow)
    this.shared.delete(flow)
  }

  has(flow: number): boolean {
    return this.aors.has(flow)
  }

  isShared(flow: number): boolean {
    return this.shared.has(flow)
  }

  /** The AORs of a flow, which is forgotten. */
  take(flow: number): ReadonlySet<string> | undefined {
    const set = this.aors.get(flow)
    this.aors.delete(flow)
    this.shared.delete(flow)
    return set
  }
}
