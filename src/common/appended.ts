/**
 * The list with one more at its end; `undefined` stands for the empty one. For lists that are made with every message and nearly always get
 * one entry or two: V8 gives an empty list room for 17 at its first push.
 */
export function appended<T>(list: T[] | undefined, item: T): T[] {
  if (list === undefined) return [item]
  list.push(item)
  return list
}
