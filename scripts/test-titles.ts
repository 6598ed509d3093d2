/**
 * The titles of the tests in a file, read from its syntax tree: what stands in tables, comments and bodies is none. Only
 * tests that run count: nothing skipped, left to do, conditional or expected to fail.
 */
import ts from 'typescript'

/** `interop(tools, title, body)` of test/interop/support/require.ts always runs where it counts: CI fails without the tools. */
const TESTS = new Set(['it', 'test', 'interop'])
const GROUPS = new Set(['describe', 'suite'])
/** What may stand between `it` and its title; anything else (skip, todo, fails, skipIf, runIf) does not surely run. */
const MODIFIERS = new Set(['each', 'for', 'only', 'concurrent', 'sequential', 'shuffle'])
const TABLES = new Set(['each', 'for'])
/** Options of a test that make it one that does not surely run. */
const HOLDING_BACK = new Set(['skip', 'todo', 'fails'])

/**
 * Titles of all tests of a file, and of the groups that hold at least one of them, in the order of their calls. A part of a
 * title that is known only at run time is a blank.
 */
export function testTitles(source: string, fileName: string): string[] {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true)
  return titlesBelow(file).titles
}

interface Found {
  readonly titles: string[]
  readonly tests: number
}

function titlesBelow(node: ts.Node): Found {
  const titles: string[] = []
  let tests = 0
  ts.forEachChild(node, (child) => {
    const call = ts.isCallExpression(child) ? declaration(child) : undefined
    if (call?.runs === false) return
    const below = titlesBelow(child)
    if (call !== undefined && (call.test || below.tests > 0)) titles.push(call.title)
    titles.push(...below.titles)
    tests += below.tests + (call?.test === true ? 1 : 0)
  })
  return { titles, tests }
}

interface Declaration {
  readonly test: boolean
  readonly title: string
  readonly runs: boolean
}

/** What a call declares: `it(title, body)`, `it.each(table)(title, body)`, the same of describe; undefined for other calls. */
function declaration(call: ts.CallExpression): Declaration | undefined {
  const named = calleeOf(call.expression)
  const [title, ...rest] = call.arguments.slice(named?.name === 'interop' ? 1 : 0)
  if (named === undefined || title === undefined) return undefined
  const { name, modifiers, table } = named
  // `it.each(table)` alone is only half a call; the whole one is around it.
  if (modifiers.some((modifier) => TABLES.has(modifier)) !== table) return undefined
  const body = rest.some(
    (argument) => !ts.isObjectLiteralExpression(argument) && !ts.isNumericLiteral(argument),
  )
  const runs = body && modifiers.every((modifier) => MODIFIERS.has(modifier)) && !rest.some(heldBack)
  return { test: TESTS.has(name), title: textOf(title), runs }
}

/** `it`, `it.concurrent.each(table)`, `` it.each`table` `` taken apart; undefined for what is no test function. */
function calleeOf(
  expression: ts.Expression,
): { readonly name: string; readonly modifiers: readonly string[]; readonly table: boolean } | undefined {
  const modifiers: string[] = []
  let table = false
  let at = expression
  for (;;) {
    if (ts.isIdentifier(at)) {
      return TESTS.has(at.text) || GROUPS.has(at.text) ? { name: at.text, modifiers, table } : undefined
    }
    if (ts.isPropertyAccessExpression(at)) {
      modifiers.push(at.name.text)
      at = at.expression
    } else if (ts.isCallExpression(at)) {
      table = true
      at = at.expression
    } else if (ts.isTaggedTemplateExpression(at)) {
      table = true
      at = at.tag
    } else return undefined
  }
}

function heldBack(argument: ts.Expression): boolean {
  if (!ts.isObjectLiteralExpression(argument)) return false
  return argument.properties.some(
    ({ name }) => name !== undefined && ts.isIdentifier(name) && HOLDING_BACK.has(name.text),
  )
}

/** The text that is known without running anything. */
function textOf(title: ts.Expression): string {
  if (ts.isStringLiteralLike(title)) return title.text
  if (ts.isTemplateExpression(title)) {
    return [title.head.text, ...title.templateSpans.map(({ literal }) => literal.text)].join(' ')
  }
  if (ts.isBinaryExpression(title) && title.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    return textOf(title.left) + textOf(title.right)
  }
  if (ts.isParenthesizedExpression(title)) return textOf(title.expression)
  return ' '
}
