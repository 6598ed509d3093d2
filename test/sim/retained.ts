/** How much a machine holds on to: everything that can be reached from it, counted. */

/** Entries of maps, sets and arrays, and bytes of buffers, by the property that holds them. */
export function retained(root: object, leaveOut: ReadonlySet<object>): Map<string, number> {
  const counts = new Map<string, number>()
  const seen = new Set<object>(leaveOut)
  const queue: { readonly value: object; readonly path: string }[] = [{ value: root, path: '' }]
  const follow = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    queue.push({ value, path })
  }
  const count = (path: string, amount: number): void => {
    counts.set(path, (counts.get(path) ?? 0) + amount)
  }
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { value, path } = next
    if (ArrayBuffer.isView(value)) {
      count(`${path} bytes`, value.byteLength)
    } else if (value instanceof Map) {
      count(path, value.size)
      for (const [key, held] of value) {
        follow(key, `${path}<key>`)
        follow(held, `${path}<>`)
      }
    } else if (value instanceof Set || Array.isArray(value)) {
      const held = [...(value as Iterable<unknown>)].filter((each) => !isOver(each))
      count(path, held.length)
      for (const each of held) follow(each, `${path}<>`)
    } else {
      for (const [name, held] of Object.entries(value)) follow(held, `${path}.${name}`)
    }
  }
  return counts
}

/** A deadline that has fired or was cancelled: the table keeps some of them for a while, so many at most, with nothing of what they were for. */
function isOver(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && 'place' in entry && entry.place === -1
}
