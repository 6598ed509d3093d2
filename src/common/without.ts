/** A copy of an object without some of its fields. */
export function without<T extends object, K extends keyof T>(object: T, ...names: readonly K[]): Omit<T, K> {
  const left: readonly PropertyKey[] = names
  return Object.fromEntries(Object.entries(object).filter(([name]) => !left.includes(name))) as Omit<T, K>
}
