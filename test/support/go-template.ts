/**
 * As much of Go's text/template and of Helm's functions as the chart in helm/ uses: enough to see what it renders without Helm. What is
 * not known here is an error, never silently empty.
 */
import { createHash } from 'node:crypto'
import { parse as parseYaml, stringify } from 'yaml'

type Value = unknown
type Fn = (...args: readonly Value[]) => Value

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with'; readonly pipe: Pipe; readonly body: Node[]; readonly otherwise: Node[] }
  | { readonly kind: 'range'; readonly names: readonly string[]; readonly pipe: Pipe; readonly body: Node[] }

interface Pipe {
  /** `$x :=` or `$x =`. */
  readonly assign?: { readonly name: string; readonly declare: boolean }
  readonly commands: readonly (readonly Operand[])[]
}

type Operand =
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'path'; readonly from: string; readonly fields: readonly string[] }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly fields: readonly string[] }

/** All templates of a chart, by the names that `include` uses. */
export class TemplateSet {
  private readonly defined = new Map<string, readonly Node[]>()
  private readonly functions: Readonly<Record<string, Fn>>

  constructor(functions: Readonly<Record<string, Fn>> = {}) {
    this.functions = { ...FUNCTIONS, ...functions }
  }

  add(name: string, text: string): void {
    this.defined.set(name, new Parser(tokens(text), this.defined).all())
  }

  render(name: string, dot: Value): string {
    const body = this.defined.get(name)
    if (body === undefined) throw new Error(`no template "${name}"`)
    return this.nodes(body, dot, new Scope(undefined, [['', dot]]))
  }

  private nodes(nodes: readonly Node[], dot: Value, scope: Scope): string {
    return nodes.map((node) => this.node(node, dot, scope)).join('')
  }

  private node(node: Node, dot: Value, scope: Scope): string {
    switch (node.kind) {
      case 'text':
        return node.text
      case 'output': {
        const value = this.pipe(node.pipe, dot, scope)
        return node.pipe.assign === undefined ? shown(value) : ''
      }
      case 'if':
      case 'with': {
        const inner = new Scope(scope)
        const value = this.pipe(node.pipe, dot, inner)
        const chosen = isTrue(value) ? node.body : node.otherwise
        return this.nodes(chosen, node.kind === 'with' && isTrue(value) ? value : dot, inner)
      }
      case 'range': {
        const list = this.pipe(node.pipe, dot, scope) ?? []
        const entries = Array.isArray(list) ? [...list.entries()] : Object.entries(list as object)
        return entries
          .map(([key, value]: readonly [Value, Value]) => {
            const [first, second] = node.names
            const pairs: [string, Value][] = []
            if (first !== undefined) pairs.push([first, second === undefined ? value : key])
            if (second !== undefined) pairs.push([second, value])
            return this.nodes(node.body, value, new Scope(scope, pairs))
          })
          .join('')
      }
    }
  }

  private pipe(pipe: Pipe, dot: Value, scope: Scope): Value {
    let value: Value
    for (const [index, command] of pipe.commands.entries())
      value = this.command(command, dot, scope, index === 0 ? [] : [value])
    if (pipe.assign !== undefined) scope.set(pipe.assign.name, value, pipe.assign.declare)
    return value
  }

  private command(command: readonly Operand[], dot: Value, scope: Scope, piped: readonly Value[]): Value {
    const [head, ...rest] = command
    if (head === undefined) throw new Error('empty command')
    const args = (): Value[] => [...rest.map((each) => this.operand(each, dot, scope)), ...piped]
    if (head.kind === 'word') {
      // The functions that do not look at all they are given.
      if (head.name === 'include') return this.render(String(args()[0]), args()[1])
      const fn = this.functions[head.name]
      if (fn === undefined) throw new Error(`no function "${head.name}"`)
      return fn(...args())
    }
    const value = this.operand(head, dot, scope)
    if (typeof value === 'function') return (value as Fn)(...args())
    if (rest.length + piped.length > 0) throw new Error(`${JSON.stringify(head)} is no function`)
    return value
  }

  private operand(operand: Operand, dot: Value, scope: Scope): Value {
    switch (operand.kind) {
      case 'literal':
        return operand.value
      case 'word':
        return this.command([operand], dot, scope, [])
      case 'path':
        return fieldsOf(operand.from === '.' ? dot : scope.get(operand.from.slice(1)), operand.fields)
      case 'pipe':
        return fieldsOf(this.pipe(operand.pipe, dot, scope), operand.fields)
    }
  }
}

class Scope {
  private readonly outer: Scope | undefined
  private readonly values: Map<string, Value>

  constructor(outer: Scope | undefined, values: readonly (readonly [string, Value])[] = []) {
    this.outer = outer
    this.values = new Map(values)
  }

  get(name: string): Value {
    if (this.values.has(name)) return this.values.get(name)
    if (this.outer === undefined) throw new Error(`no variable $${name}`)
    return this.outer.get(name)
  }

  set(name: string, value: Value, declare: boolean): void {
    if (declare || this.values.has(name)) this.values.set(name, value)
    else if (this.outer === undefined) throw new Error(`no variable $${name}`)
    else this.outer.set(name, value, false)
  }
}

function fieldsOf(from: Value, fields: readonly string[]): Value {
  let value = from
  for (const field of fields) {
    if (typeof value !== 'object' || value === null) throw new Error(`.${field} of ${String(value)}`)
    value = Object.hasOwn(value, field) ? (value as Record<string, Value>)[field] : undefined
  }
  return value
}

type Token = { readonly kind: 'text' | 'action'; readonly text: string }

function tokens(text: string): Token[] {
  const out: Token[] = []
  const action = /\{\{(-?)(\s*\/\*[\s\S]*?\*\/\s*|(?:"(?:[^"\\]|\\.)*"|`[^`]*`|(?!-?\}\})[\s\S])*)(-?)\}\}/g
  let at = 0
  let trim = false
  for (const match of text.matchAll(action)) {
    const [whole, left, inner = '', right] = match
    let before = text.slice(at, match.index)
    if (trim) before = before.trimStart()
    if (left === '-') before = before.trimEnd()
    out.push({ kind: 'text', text: before })
    if (!inner.trimStart().startsWith('/*')) out.push({ kind: 'action', text: inner.trim() })
    trim = right === '-'
    at = match.index + whole.length
  }
  const last = text.slice(at)
  out.push({ kind: 'text', text: trim ? last.trimStart() : last })
  return out
}

class Parser {
  private readonly list: readonly Token[]
  private readonly defined: Map<string, readonly Node[]>
  private at = 0

  constructor(list: readonly Token[], defined: Map<string, readonly Node[]>) {
    this.list = list
    this.defined = defined
  }

  all(): Node[] {
    const { nodes, end } = this.until()
    if (end !== undefined) throw new Error(`unexpected {{ ${end} }}`)
    return nodes
  }

  /** Up to `end` or an `else`, which is given back. */
  private until(): { readonly nodes: Node[]; readonly end: string | undefined } {
    const nodes: Node[] = []
    while (this.at < this.list.length) {
      const token = this.list[this.at++] as Token
      if (token.kind === 'text') {
        if (token.text !== '') nodes.push({ kind: 'text', text: token.text })
        continue
      }
      const word = /^\w+/.exec(token.text)?.[0]
      const rest = token.text.slice(word?.length ?? 0).trim()
      if (word === 'end' || word === 'else') return { nodes, end: token.text }
      if (word === 'if' || word === 'with') nodes.push(this.branch(word, rest))
      else if (word === 'range') nodes.push(this.range(rest))
      else if (word === 'define') this.define(rest)
      else nodes.push({ kind: 'output', pipe: parsePipe(token.text) })
    }
    return { nodes, end: undefined }
  }

  private branch(kind: 'if' | 'with', condition: string): Node {
    const pipe = parsePipe(condition)
    const { nodes: body, end } = this.until()
    if (end === undefined) throw new Error(`${kind} ${condition}: no end`)
    if (end === 'end') return { kind, pipe, body, otherwise: [] }
    const again = /^else\s+(if|with)\s+([\s\S]*)$/.exec(end)
    if (again !== null)
      return { kind, pipe, body, otherwise: [this.branch(again[1] as 'if' | 'with', again[2] ?? '')] }
    const { nodes: otherwise, end: last } = this.until()
    if (last !== 'end') throw new Error(`${kind} ${condition}: no end`)
    return { kind, pipe, body, otherwise }
  }

  private range(text: string): Node {
    const names = /^((?:\$\w+\s*,\s*)?\$\w+)\s*:=\s*([\s\S]*)$/.exec(text)
    const pipe = parsePipe(names?.[2] ?? text)
    const { nodes: body, end } = this.until()
    if (end !== 'end') throw new Error(`range ${text}: no end`)
    return { kind: 'range', names: (names?.[1] ?? '').match(/(?<=\$)\w+/g) ?? [], pipe, body }
  }

  private define(text: string): void {
    const { nodes, end } = this.until()
    if (end !== 'end') throw new Error(`define ${text}: no end`)
    this.defined.set(JSON.parse(text) as string, nodes)
  }
}

const WORD =
  /\s*(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|(-?\d+(?:\.\d+)?)|(\$\w*(?:\.\w+)*)|(\.\w+(?:\.\w+)*|\.(?!\w))|(\w+)|([()|]))/y

function parsePipe(text: string): Pipe {
  const assign = /^\$(\w+)\s*(:?=)\s*/.exec(text)
  const reader = { text: text.slice(assign?.[0].length ?? 0), at: 0 }
  const commands = readCommands(reader)
  if (reader.text.slice(reader.at).trim() !== '') throw new Error(`cannot read ${text}`)
  if (assign === null) return { commands }
  return { commands, assign: { name: assign[1] as string, declare: assign[2] === ':=' } }
}

interface Reader {
  readonly text: string
  at: number
}

function readCommands(reader: Reader): Operand[][] {
  const commands: Operand[][] = [[]]
  for (;;) {
    WORD.lastIndex = reader.at
    const match = WORD.exec(reader.text)
    if (match === null || match[7] === ')') return commands
    reader.at = WORD.lastIndex
    if (match[7] === '|') commands.push([])
    else commands.at(-1)?.push(operandOf(match, reader))
  }
}

function operandOf(match: RegExpExecArray, reader: Reader): Operand {
  const [, quoted, raw, number, variable, path, word] = match
  if (quoted !== undefined) return { kind: 'literal', value: JSON.parse(quoted) }
  if (raw !== undefined) return { kind: 'literal', value: raw }
  if (number !== undefined) return { kind: 'literal', value: Number(number) }
  if (variable !== undefined) {
    const [from = '$', ...fields] = variable.split('.')
    return { kind: 'path', from, fields }
  }
  if (path !== undefined)
    return { kind: 'path', from: '.', fields: path.split('.').filter((each) => each !== '') }
  if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' }
  if (word !== undefined) return { kind: 'word', name: word }
  const commands = readCommands(reader)
  WORD.lastIndex = reader.at
  if (WORD.exec(reader.text)?.[7] !== ')') throw new Error(`no ) in ${reader.text}`)
  reader.at = WORD.lastIndex
  return { kind: 'pipe', pipe: { commands }, fields: [] }
}

function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}

function shown(value: Value): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'object') throw new Error(`printed: ${JSON.stringify(value)}`)
  return String(value)
}

function indented(spaces: Value, text: Value): string {
  return String(text).replace(/^/gm, ' '.repeat(Number(spaces)))
}

function merged(into: Record<string, Value>, from: Record<string, Value>): Record<string, Value> {
  for (const [name, value] of Object.entries(from)) {
    const there = into[name]
    const both = [there, value].every(
      (each) => typeof each === 'object' && each !== null && !Array.isArray(each),
    )
    into[name] = both ? merged(there as Record<string, Value>, value as Record<string, Value>) : value
  }
  return into
}

function pairs(args: readonly Value[]): Record<string, Value> {
  const out: Record<string, Value> = {}
  for (let i = 0; i < args.length; i += 2) out[String(args[i])] = args[i + 1]
  return out
}

function equal(a: Value, b: Value): boolean {
  if (typeof a !== typeof b) throw new Error(`incompatible types for comparison: ${String(a)}, ${String(b)}`)
  return a === b
}

const FUNCTIONS: Readonly<Record<string, Fn>> = {
  add: (...args) => args.reduce((sum: number, each) => sum + Number(each), 0),
  and: (...args) => args.find((each) => !isTrue(each)) ?? args.at(-1),
  b64enc: (text) => Buffer.from(String(text)).toString('base64'),
  contains: (part, text) => String(text).includes(String(part)),
  default: (fallback, value) => (isTrue(value) ? value : fallback),
  dict: (...args) => pairs(args),
  eq: (a, ...rest) => rest.some((each) => equal(a, each)),
  fail: (text) => {
    throw new Error(String(text))
  },
  fromYaml: (text) => parseYaml(String(text)) as Value,
  index: (from, ...keys) =>
    keys.reduce<Value>((at, each) => (at as Record<string, Value> | undefined)?.[String(each)], from),
  int: (value) => Math.trunc(Number(value)),
  // No cluster is there to ask.
  lookup: () => ({}),
  mergeOverwrite: (into, ...from) =>
    from.reduce<Record<string, Value>>(
      (sum, each) => merged(sum, each as Record<string, Value>),
      into as Record<string, Value>,
    ),
  ne: (a, b) => !equal(a, b),
  nindent: (spaces, text) => `\n${indented(spaces, text)}`,
  not: (value) => !isTrue(value),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
  printf: (format, ...args) => {
    let next = 0
    return String(format).replace(/%[sdv]/g, () => String(args[next++]))
  },
  quote: (value) => JSON.stringify(String(value ?? '')),
  randAlphaNum: (length) => 'r'.repeat(Number(length)),
  required: (text, value) => {
    if (value === undefined || value === '') throw new Error(String(text))
    return value
  },
  sha256sum: (text) => createHash('sha256').update(String(text)).digest('hex'),
  sub: (a, b) => Number(a) - Number(b),
  ternary: (yes, no, condition) => (isTrue(condition) ? yes : no),
  toJson: (value) => JSON.stringify(value),
  toYaml: (value) => stringify(value, { lineWidth: 0 }).trimEnd(),
  trimSuffix: (suffix, text) =>
    String(text).endsWith(String(suffix)) ? String(text).slice(0, -String(suffix).length) : text,
  trunc: (length, text) => String(text).slice(0, Number(length)),
  until: (count) => Array.from({ length: Number(count) }, (_, index) => index),
}
