/** The configuration as a node would run it, for people: secrets left out, and beside each value who set it. */
import { Document, isMap, isScalar, type Pair, type YAMLMap } from 'yaml'
import { SECRET_KEYS, type Config } from './schema.ts'

const REDACTED = '[private]'

/** Names of keys that hold a secret wherever they stand: in a list, no dotted key can be given for them. */
const SECRET_NAMES: ReadonlySet<string> = new Set(['password', 'secret', 'token', 'credentials'])

/** The configuration with `[private]` in the place of secrets. */
export function redacted(config: Config): object {
  return redactedAt(config, '') as object
}

function redactedAt(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => redactedAt(each, `${key}[]`))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => {
      const at = key === '' ? name : `${key}.${name}`
      const secret = SECRET_KEYS.includes(at) || (key.includes('[]') && SECRET_NAMES.has(name))
      return [name, secret && below !== undefined ? REDACTED : redactedAt(below, at)]
    }),
  )
}

/**
 * As YAML that reads like the file. What the file or the environment set has a comment that says where; the rest are
 * defaults. `origin` gives that place for a dotted key.
 */
export function effectiveYaml(config: Config, origin: (key: string) => string | undefined): string {
  const document = new Document(redacted(config))
  if (isMap(document.contents)) comment(document.contents, '', origin)
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

function comment(map: YAMLMap, key: string, origin: (key: string) => string | undefined): void {
  for (const pair of map.items as Pair[]) {
    const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
    const at = key === '' ? name : `${key}.${name}`
    if (isMap(pair.value)) {
      comment(pair.value, at, origin)
      continue
    }
    if (typeof pair.value !== 'object' || pair.value === null) continue
    const value = pair.value as { flow?: boolean; comment?: string | null }
    if ('items' in value) value.flow = true
    const place = origin(at)
    if (place !== undefined) value.comment = ` ${place}`
  }
}
