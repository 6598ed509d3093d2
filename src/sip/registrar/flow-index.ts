/** Which AORs have bindings pinned to a flow. */
export class FlowIndex {
  private readonly aors = new Map<number, Set<string>>()

  /** Flow 0 (datagrams) is not indexed. */
  add(flow: number, aor: string): void {
    if (flow === 0) return
    const set = this.aors.get(flow)
    if (set === undefined) this.aors.set(flow, new Set([aor]))
    else set.add(aor)
  }

  remove(flow: number, aor: string): void {
    const set = this.aors.get(flow)
    if (set?.delete(aor) === true && set.size === 0) this.aors.delete(flow)
  }

  /** The AORs of a flow, which is forgotten. */
  take(flow: number): ReadonlySet<string> | undefined {
    const set = this.aors.get(flow)
    this.aors.delete(flow)
    return set
  }
}
