import { describe, expect, it } from 'vitest'
import { testTitles } from '../../../scripts/test-titles.ts'

/** Sources of tests are written with `$` and backticks of their own, hence plain strings. */
const titles = (...lines: string[]): string[] => testTitles(lines.join('\n'), 'a.test.ts')

describe('titles of the tests in a file', () => {
  it('are those of it and test, in any quotes, also with quotes inside', () => {
    expect(
      titles(
        "it('one', () => {})",
        'test("it\'s two", () => {})',
        'it(`three`, { timeout: 5 }, async () => {})',
        "it('four', () => {}, 60_000)",
        "it('fi' + ('ve'), () => {})",
        "interop(['sipp'], 'six', () => {})",
      ),
    ).toEqual(['one', "it's two", 'three', 'four', 'five', 'six'])
  })

  it('are found behind tables with quotes, parens and brackets, and behind none of their rows', () => {
    expect(
      titles(
        'it.each([',
        `  ["it('row', () => {})", [1, [2, 3]], (x) => f(x)],`,
        "  ['a)('],",
        "])('one %s', (row) => {})",
        "it.each(ROWS.filter(({ name }) => name === 'ok'))('two $name', () => {})",
        "it.each(['a'] as const)(`three`, () => {})",
        'it.each`a | b',
        "${'x'} | ${2}`('four', () => {})",
        "it.concurrent.for([1])('five', () => {})",
      ),
    ).toEqual(['one %s', 'two $name', 'three', 'four', 'five'])
  })

  it('keep what is known of a template, a blank where the rest will stand', () => {
    expect(titles('it(`R-0${n}1 of ${name} end`, () => {})', 'it(name, () => {})')).toEqual([
      'R-0 1 of   end',
      ' ',
    ])
  })

  it('a group counts only with a test in it, however deep', () => {
    expect(
      titles(
        "describe('empty', () => {})",
        "describe('outer', () => {",
        "  describe.each([1])('inner', () => {",
        "    for (const n of [1, 2]) { it('test', () => {}) }",
        '  })',
        "  describe('only skipped', () => { it.skip('skipped', () => {}) })",
        '})',
      ),
    ).toEqual(['outer', 'inner', 'test'])
  })

  it('leave out what does not surely run', () => {
    expect(
      titles(
        "it.skip('a', () => {})",
        "it.todo('b')",
        "it('c')",
        "it.skipIf(x)('d', () => {})",
        "it.runIf(x)('e', () => {})",
        "it.fails('f', () => {})",
        "it('g', { skip: true }, () => {})",
        "it.skip.each([1])('h', () => {})",
        "describe.skip('i', () => { it('j', () => {}) })",
        "it.only('runs', () => {})",
      ),
    ).toEqual(['runs'])
  })

  it('are no comments, no strings, no methods of that name', () => {
    expect(
      titles(
        "// it('a', () => {})",
        `const text = "it('b', () => {})"`,
        "/x/.test('c')",
        "pattern.test('d')",
      ),
    ).toEqual([])
  })
})
