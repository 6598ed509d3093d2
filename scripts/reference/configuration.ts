/** docs/reference/configuration.md: every key of the schema, with type, default, variable and meaning. */
import { z } from 'zod'
import { refuseUnbuilt } from '../../src/app/config/built.ts'
import { LIVE_KEYS } from '../../src/app/config/changes.ts'
import { variableOf } from '../../src/app/config/environment.ts'
import { configSchema, SECRET_KEYS } from '../../src/app/config/schema.ts'

/** The part of JSON Schema that the configuration uses. */
interface Schema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly (string | number)[]
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

export function configurationReference(): string {
  const root = z.toJSONSchema(configSchema, { io: 'input' }) as Schema
  const sections = Object.entries(root.properties ?? {}).map(
    ([name, section]) => `## ${name}\n\n${table(name, section)}`,
  )
  const live = [...LIVE_KEYS].map((key) => `\`${key}\``).join(', ')
  return `# Configuration

<!-- Made from src/app/config/schema.ts by \`npm run docs:reference\`. Do not edit. -->

One YAML file (\`ringbridge start --config FILE\`); all keys have defaults. Every key may come from the environment, which wins over the
file: lists with commas, secrets also from a file that \`…_FILE\` names. \`ringbridge check-config FILE\` validates both, and with
\`--effective\` shows what a node would run and who set what. For editors: [configuration.schema.json](configuration.schema.json).

SIGHUP takes over accounts, imported certificates, the Configuration Document, \`limits.*\` and ${live}; the log names other keys that
changed and wait for a restart.

${sections.join('\n\n')}
`
}

function table(key: string, schema: Schema): string {
  const rows = leaves(key, schema).map(([name, leaf]) => row(name, leaf))
  return ['| key | type | default | meaning | variable |', '|---|---|---|---|---|', ...rows].join('\n')
}

function leaves(key: string, schema: Schema): [string, Schema][] {
  if (schema.properties === undefined) return [[key, schema]]
  return Object.entries(schema.properties).flatMap(([name, below]) => leaves(`${key}.${name}`, below))
}

function row(key: string, schema: Schema): string {
  const variable = variableOf(key)
  const secret = SECRET_KEYS.includes(key) ? ` or \`${variable}_FILE\`` : ''
  const meaning = [schema.description ?? '', refusals(key, schema)].filter((text) => text !== '').join(' ')
  return `| \`${key}\` | ${typeOf(schema)} | ${defaultOf(schema)} | ${escaped(meaning)} | \`${variable}\`${secret} |`
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.type === 'array') {
    const { items } = schema
    if (items?.enum !== undefined) return `list of ${typeOf(items)}`
    const fields = Object.keys(items?.properties ?? {})
    return fields.length > 0 ? `list of {${fields.join(', ')}}` : 'list'
  }
  if (schema.type !== 'integer') return schema.type ?? ''
  return `${schema.minimum ?? ''} … ${schema.maximum ?? ''}`
}

function defaultOf(schema: Schema): string {
  return schema.default === undefined ? '' : `\`${JSON.stringify(schema.default).replaceAll('"', '')}\``
}

/** Values that the schema knows and this version refuses: found by asking the check that refuses them. */
function refusals(key: string, schema: Schema): string {
  const tried = samples(schema)
  const refused = tried.filter((value) => isRefused(key, value))
  // Of a text only examples are tried, of which one scheme may be refused and another not.
  if (
    refused.length === 0 ||
    (schema.type === 'string' && refused.length < tried.length && schema.enum === undefined)
  )
    return ''
  const all = schema.enum === undefined && schema.type !== 'boolean'
  return `**Not in this version${all ? '' : `: ${refused.map((value) => `\`${String(value)}\``).join(', ')}`}.**`
}

function samples(schema: Schema): unknown[] {
  if (schema.enum !== undefined) return [...schema.enum]
  if (schema.type === 'boolean') return [true, false]
  if (schema.type === 'string') return ['udp://192.0.2.1:9060', 'tls://192.0.2.1:9060']
  if (schema.type !== 'array' || schema.items?.enum !== undefined) return []
  const fields = Object.keys(schema.items?.properties ?? {})
  return fields.length === 0 ? [['overlay.example.com']] : [[{ aor: 'a@example.com', account: 'a' }]]
}

function isRefused(key: string, value: unknown): boolean {
  const input: Record<string, unknown> = {}
  let at = input
  const path = key.split('.')
  for (const step of path.slice(0, -1)) at = at[step] = {} as Record<string, unknown>
  at[path.at(-1) as string] = value
  const parsed = configSchema.safeParse(input)
  if (!parsed.success) return false
  try {
    refuseUnbuilt(parsed.data)
    return false
  } catch (error) {
    return (error as Error).message.startsWith(`"${key}"`) && /is not built/.test((error as Error).message)
  }
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
