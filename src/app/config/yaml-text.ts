/** YAML that people write, as plain values; every fault with its place. */
import { LineCounter, parseDocument, visit, type Document } from 'yaml'
import { ConfigError } from './fault.ts'

/** An alias that refers to itself many times over would grow without bound; nothing here needs that many. */
const ALIASES_MAX = 100

export interface YamlText {
  readonly document: Document
  readonly lines: LineCounter
  readonly values: unknown
}

/** `name` stands in messages. Throws `ConfigError`. */
export function readYaml(text: string, name: string): YamlText {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const fault = (offset: number, problem: string): ConfigError => {
    const { line, col } = lines.linePos(offset)
    return new ConfigError(`${name}:${line}:${col}: not valid YAML: ${problem}`)
  }
  const syntax = document.errors[0]
  if (syntax !== undefined) throw fault(syntax.pos[0], syntax.message)
  const stray = strayAlias(document)
  if (stray !== undefined)
    throw fault(stray.offset, `"*${stray.name}" stands for nothing; "&${stray.name}" has to come before it`)
  try {
    return { document, lines, values: document.toJS({ maxAliasCount: ALIASES_MAX }) }
  } catch {
    throw fault(0, `aliases stand for more than ${ALIASES_MAX} values`)
  }
}

/** The first alias without an anchor: the parser leaves them to whoever asks for the values. */
function strayAlias(document: Document): { readonly name: string; readonly offset: number } | undefined {
  let found: { readonly name: string; readonly offset: number } | undefined
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) !== undefined) return undefined
      found = { name: alias.source, offset: alias.range?.[0] ?? 0 }
      return visit.BREAK
    },
  })
  return found
}
