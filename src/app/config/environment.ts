/**
 * Keys from the environment: RINGBRIDGE_SIP__LISTEN is sip.listen, RINGBRIDGE_SIP__MAX_FORKS is sip.maxForks, and
 * RINGBRIDGE_ADMIN__TOKEN_FILE names a file that holds admin.token.
 */
import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigError, didYouMean, nearest } from './fault.ts'
import { allKeys, allowedAt, schemaAt } from './keys.ts'
import { SECRET_KEYS } from './schema.ts'
import { readUtf8 } from './text-file.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const PREFIX = 'RINGBRIDGE_'

/** `base` with the values of the environment laid over it, and which variable set which dotted key. */
export function environmentValues(
  environment: Environment,
  base: Record<string, unknown>,
): { readonly values: Record<string, unknown>; readonly origins: ReadonlyMap<string, string> } {
  const values = structuredClone(base)
  const origins = new Map<string, string>()
  for (const [variable, raw] of Object.entries(environment)) {
    if (raw === undefined || !meansConfiguration(variable)) continue
    const { path, fromFile } = pathOf(variable)
    const key = path.join('.')
    const earlier = origins.get(key)
    if (earlier !== undefined)
      throw new ConfigError(`${earlier} and ${variable} both set "${key}"; unset one of them`)
    const text = fromFile ? secretFile(variable, raw) : raw
    set(values, path, SECRET_KEYS.includes(key) ? text : typed(text, path), variable)
    origins.set(key, variable)
  }
  return { values, origins }
}

/**
 * What Kubernetes tells each pod about a service `ringbridge-sip`: RINGBRIDGE_SIP_SERVICE_HOST, RINGBRIDGE_SIP_SERVICE_PORT_TLS,
 * RINGBRIDGE_SIP_PORT, RINGBRIDGE_SIP_PORT_5060_UDP_ADDR.
 */
const SERVICE_LINK =
  /^RINGBRIDGE(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/

/** Variables without a section (RINGBRIDGE_REQUIRE_INTEROP) are not ours; RINGBRIDGE_SIP_LISTEN lacks an underscore. */
function meansConfiguration(variable: string): boolean {
  if (!variable.startsWith(PREFIX) || SERVICE_LINK.test(variable)) return false
  const [section = ''] = variable.slice(PREFIX.length).toLowerCase().split('_')
  return variable.includes('__') || allowedAt([]).includes(section)
}

function pathOf(variable: string): { readonly path: readonly string[]; readonly fromFile: boolean } {
  const steps = variable.slice(PREFIX.length).split('__')
  const plain = resolve(steps)
  if (plain !== undefined) return { path: plain, fromFile: false }
  const last = steps.at(-1) as string
  if (last.endsWith('_FILE')) {
    const path = resolve([...steps.slice(0, -1), last.slice(0, -'_FILE'.length)])
    if (path !== undefined && SECRET_KEYS.includes(path.join('.'))) return { path, fromFile: true }
  }
  const known = allKeys().map(variableOf)
  const meant = didYouMean(variable, known)
  throw new ConfigError(
    `${variable}: no such key; ${meant === undefined ? `nearest: ${nearest(variable, known, 3).join(', ')};` : `did you mean ${meant}?`} all keys: ringbridge check-config --schema`,
  )
}

/** The variable that sets a dotted key. */
export function variableOf(key: string): string {
  return PREFIX + key.split('.').map(snake).join('__')
}

/** Names of the schema for the steps of a variable, which are upper-case with optional underscores between words. */
function resolve(steps: readonly string[]): string[] | undefined {
  const path: string[] = []
  for (const step of steps) {
    const wanted = step.replaceAll('_', '').toLowerCase()
    const found = allowedAt(path).find((key) => key.toLowerCase() === wanted)
    if (found === undefined) return undefined
    path.push(found)
  }
  return path
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

/** Lists may be written with commas; everything else as in the file. */
function typed(text: string, path: readonly string[]): unknown {
  const schema = schemaAt(path)
  if (schema instanceof z.ZodString) return text
  if (schema instanceof z.ZodArray && !text.trimStart().startsWith('[')) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }
  try {
    return parse(text, { maxAliasCount: 0 }) as unknown
  } catch {
    // Left as it is: the schema says what would have been allowed.
    return text
  }
}

function set(
  values: Record<string, unknown>,
  path: readonly string[],
  value: unknown,
  variable: string,
): void {
  let at = values
  for (const step of path.slice(0, -1)) {
    const next = at[step] ?? {}
    if (typeof next !== 'object' || Array.isArray(next)) {
      throw new ConfigError(`${variable}: "${path.join('.')}" cannot be set, the file has no mapping there`)
    }
    at[step] = next
    at = next as Record<string, unknown>
  }
  at[path.at(-1) as string] = value
}

function secretFile(variable: string, file: string): string {
  const fault = (problem: string, options: object) =>
    new ConfigError(`${variable}: ${file} ${problem}`, options)
  return readUtf8(file, fault).trim()
}
