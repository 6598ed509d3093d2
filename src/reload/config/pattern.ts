/**
 * Matching in time proportional to text times pattern, whatever the pattern: the patterns come from a document, the
 * texts from strangers, and a backtracking engine can be made to hang by either (Thompson's construction).
 */
import { DecodeError } from '../../common/bytes.ts'
import { unreachable } from '../../common/assert.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import { PatternParser, type CharacterSet, type PatternNode } from './pattern-syntax.ts'

/** Either consumes a character of `set` or goes on without one to `next` and, when it forks, to `other`. */
interface State {
  readonly set: CharacterSet | undefined
  readonly condition: 'start' | 'end' | undefined
  next: number
  other: number
}

/** Intervals are copies: nested ones multiply. */
const STATES_MAX = 4096
const TEXT_CHARACTERS_MAX = 255
const ACCEPT = 0
const NONE = -1

/** A compiled POSIX extended regular expression that must match the whole text, letter case aside. */
export class Pattern {
  private readonly states: readonly State[]
  private readonly first: number

  private constructor(states: readonly State[], first: number) {
    this.states = states
    this.first = first
  }

  static compile(text: string): Result<Pattern, string> {
    try {
      const compiler = new Compiler()
      const first = compiler.emit(new PatternParser(text).parse(), ACCEPT)
      return ok(new Pattern(compiler.states, first))
    } catch (error) {
      if (error instanceof DecodeError) return fail(`pattern: ${error.message}`)
      throw error
    }
  }

  matches(text: string): boolean {
    if (text.length > TEXT_CHARACTERS_MAX) return false
    const mark = new Int16Array(this.states.length).fill(NONE)
    let current: number[] = []
    this.reach(this.first, 0, text.length, mark, current)
    for (let at = 0; at < text.length && current.length > 0; at++) {
      const code = text.charCodeAt(at)
      const following: number[] = []
      for (const index of current) {
        const state = this.states[index] as State
        if (state.set?.[code] === 1) this.reach(state.next, at + 1, text.length, mark, following)
      }
      current = following
    }
    return current.includes(ACCEPT)
  }

  /** Adds to `into` what is reached from `index` before the character at `at`; every state at most once a position. */
  private reach(index: number, at: number, length: number, mark: Int16Array, into: number[]): void {
    const pending = [index]
    for (let found = pending.pop(); found !== undefined; found = pending.pop()) {
      if (found === NONE || mark[found] === at) continue
      mark[found] = at
      const state = this.states[found] as State
      if (state.set !== undefined || found === ACCEPT) into.push(found)
      else if (state.condition === 'start' ? at === 0 : state.condition !== 'end' || at === length) {
        pending.push(state.other, state.next)
      }
    }
  }
}

/** Builds states from the end to the start: `emit` gets the state to go on with and returns the one to begin in. */
class Compiler {
  readonly states: State[] = [{ set: undefined, condition: undefined, next: NONE, other: NONE }]
  private steps = 0

  emit(node: PatternNode, next: number): number {
    // Counts calls, not states: an interval of {0} makes none and could still be nested to cost for ever.
    if (++this.steps > STATES_MAX) throw new DecodeError('pattern too complex', 0)
    switch (node.kind) {
      case 'characters':
        return this.state({ set: node.set, condition: undefined, next, other: NONE })
      case 'start':
      case 'end':
        return this.state({ set: undefined, condition: node.kind, next, other: NONE })
      case 'sequence':
        return node.parts.reduceRight((following, part) => this.emit(part, following), next)
      case 'either':
        return node.branches
          .map((branch) => this.emit(branch, next))
          .reduce((a, b) => this.state({ set: undefined, condition: undefined, next: a, other: b }))
      case 'repeat':
        return this.repeat(node, next)
      default:
        return unreachable(node)
    }
  }

  private repeat(node: PatternNode & { kind: 'repeat' }, next: number): number {
    let first = next
    if (node.max === undefined) {
      first = this.state({ set: undefined, condition: undefined, next, other: NONE })
      const loop = this.states[first] as State
      loop.other = this.emit(node.body, first)
    }
    for (let i = node.min; i < (node.max ?? node.min); i++) {
      first = this.state({
        set: undefined,
        condition: undefined,
        next: this.emit(node.body, first),
        other: next,
      })
    }
    for (let i = 0; i < node.min; i++) first = this.emit(node.body, first)
    return first
  }

  private state(state: State): number {
    if (this.states.length >= STATES_MAX) throw new DecodeError('pattern too complex', 0)
    return this.states.push(state) - 1
  }
}
