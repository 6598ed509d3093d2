/** Reads the configuration: file, then environment, then the schema; every complaint names the place and what is allowed. */
import { isMap, type Document, type LineCounter, type Node } from 'yaml'
import type { z } from 'zod'
import { environmentValues, type Environment } from './environment.ts'
import { ConfigError, didYouMean, nearest } from './fault.ts'
import { allowedAt } from './keys.ts'
import { configSchema, SECRET_KEYS, type Config } from './schema.ts'
import { readUtf8 } from './text-file.ts'
import { readYaml } from './yaml-text.ts'

/** A configuration that the schema accepts, and where its keys stand. */
export interface LoadedConfig {
  readonly config: Config
  /** `file:line:column` of a dotted key or of the nearest thing above it, or the variable that set it. */
  place(key: string): string
  /** The same for exactly this key; undefined when it has its default. */
  origin(key: string): string | undefined
}

/** `file` undefined: all defaults. Throws `ConfigError` with one line a fault. */
export function loadConfig(file: string | undefined, environment: Environment): LoadedConfig {
  return locatedConfig(file === undefined ? '' : readText(file), file ?? 'configuration', environment)
}

/** The same from a text; `name` stands in messages. */
export function readConfig(text: string, name: string, environment: Environment): Config {
  return locatedConfig(text, name, environment).config
}

function locatedConfig(text: string, name: string, environment: Environment): LoadedConfig {
  const { document, lines, values: written } = readYaml(text, name)
  const fromFile = written ?? {}
  if (typeof fromFile !== 'object' || Array.isArray(fromFile)) {
    throw new ConfigError(`${name}:1:1: the file has to be a mapping of ${allowedAt([]).join(', ')}`)
  }
  // A section with nothing in it ("sip:") is a section of defaults.
  const sections = Object.fromEntries(
    Object.entries(fromFile as Record<string, unknown>).map(([key, value]) => [key, value ?? {}]),
  )
  const { values, origins } = environmentValues(environment, sections)
  const context: Context = { name, document, lines, origins, values }
  const parsed = configSchema.safeParse(values)
  if (parsed.success)
    return {
      config: fitted(parsed.data, values),
      place: (key) => place(key.split('.'), context),
      origin: (key) =>
        valueAt(values, key.split('.')) === undefined ? undefined : place(key.split('.'), context),
    }
  throw new ConfigError(
    sensible(parsed.error.issues)
      .slice(0, 20)
      .flatMap((issue) => describe(issue, context))
      .join('\n'),
  )
}

/** A default that lies outside of what the file permits follows it: who sets one bound does not have to set all three. */
function fitted(config: Config, values: unknown): Config {
  const { minExpires, defaultExpires, maxExpires } = config.sip
  if (valueAt(values, ['sip', 'defaultExpires']) !== undefined || minExpires > maxExpires) return config
  const within = Math.min(Math.max(defaultExpires, minExpires), maxExpires)
  return { ...config, sip: { ...config.sip, defaultExpires: within } }
}

/** Without what is said of the size of something that is of another type anyway. */
function sensible(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const misfits = new Set(
    issues.filter(({ code }) => code === 'invalid_type').map(({ path }) => path.map(String).join('.')),
  )
  return issues.filter(
    ({ code, path }) => code === 'invalid_type' || !misfits.has(path.map(String).join('.')),
  )
}

interface Context {
  readonly name: string
  readonly document: Document
  readonly lines: LineCounter
  /** Dotted key to the variable that set it. */
  readonly origins: ReadonlyMap<string, string>
  /** What was found, before any default. */
  readonly values: Record<string, unknown>
}

function describe(issue: z.core.$ZodIssue, context: Context): string[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const allowed = allowedAt(path)
    return issue.keys.map((key) => {
      return `${place([...path, key], context)}: unknown key "${[...path, key].join('.')}"; ${allowedNear(key, allowed)}`
    })
  }
  return [`${place(path, context)}: "${path.join('.')}": ${complaint(issue, valueAt(context.values, path))}`]
}

/** All keys of a short section; of a long one those that look alike, and where all of them stand. */
function allowedNear(key: string, allowed: readonly string[]): string {
  const meant = didYouMean(key, allowed)
  const hint = meant === undefined ? '' : `did you mean "${meant}"? `
  if (allowed.length <= LISTED_MAX) return `${hint}allowed here: ${allowed.join(', ')}`
  const near = meant === undefined ? `nearest: ${nearest(key, allowed, NEAREST).join(', ')}; ` : hint
  return `${near}all ${allowed.length} keys: ringbridge check-config --schema`
}

const LISTED_MAX = 8
const NEAREST = 3

function complaint(issue: z.core.$ZodIssue, found: unknown): string {
  return `${expected(issue, found)}${instead(issue, found)}`
}

/** What YAML calls them. */
const TYPES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list, such as [a, b]',
  object: 'a mapping of keys',
}

function expected(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === 'invalid_type') {
    const type = TYPES[issue.expected] ?? `of type ${issue.expected}`
    return found === undefined ? `is missing; it is ${type}` : `has to be ${type}`
  }
  if (issue.code === 'invalid_value') return `allowed: ${issue.values.map(String).join(', ')}`
  if (issue.code === 'too_small') return `allowed: at least ${String(issue.minimum)}${unitOf(issue.origin)}`
  if (issue.code === 'too_big') return `allowed: at most ${String(issue.maximum)}${unitOf(issue.origin)}`
  return issue.message
}

/** What stood there instead, and what was probably meant. */
function instead(issue: z.core.$ZodIssue, found: unknown): string {
  if (typeof found !== 'string' && typeof found !== 'number' && typeof found !== 'boolean') return ''
  if (issue.code !== 'invalid_value' && issue.code !== 'invalid_type') return ''
  if (SECRET_KEYS.includes(issue.path.join('.'))) return ''
  const known = issue.code === 'invalid_value' ? issue.values.map(String) : []
  const meant = didYouMean(String(found), known)
  return `, not ${JSON.stringify(found)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  let at = values
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string, unknown>)[step]
  }
  return at
}

function unitOf(origin: string): string {
  return origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : ''
}

/** `file:line:column`, or the environment variable. */
function place(path: readonly string[], { name, document, lines, origins }: Context): string {
  for (let length = path.length; length > 0; length--) {
    const variable = origins.get(path.slice(0, length).join('.'))
    if (variable !== undefined) return variable
  }
  const offset = offsetOf(document, path)
  if (offset === undefined) return name
  const { line, col } = lines.linePos(offset)
  return `${name}:${line}:${col}`
}

/** Where the key stands in the file, or the nearest thing above it. */
function offsetOf(document: Document, path: readonly string[]): number | undefined {
  let offset: number | undefined
  let node: unknown = document.contents
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === step)
      if (pair === undefined) break
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value
    } else {
      const item = (node as { items?: unknown[] } | null)?.items?.[Number(step)]
      if (item === undefined) break
      offset = (item as Node).range?.[0] ?? offset
      node = item
    }
  }
  return offset
}

function readText(file: string): string {
  return readUtf8(file, (problem, options) => new ConfigError(`${file}: ${problem}`, options))
}
