/** A ladder in plain text, for terminals. */
import type { Ladder, LadderRow } from './ladder.ts'

const LANE = 12
const TIME = 9

export function ladderText({ columns, rows }: Ladder): string {
  const lines = [
    ...columns.map(({ title, subtitle }, index) => {
      const lanes = columns.map((_column, at) => lane(at < index ? '|' : at === index ? '+' : ' ')).join('')
      return `${' '.repeat(TIME)}${lanes.slice(0, index * LANE + 1)}-- ${title}  (${subtitle})`
    }),
    `${' '.repeat(TIME)}${columns.map(() => lane('|')).join('')}`,
  ]
  for (const row of rows) lines.push(...rowText(row, columns.length))
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

function lane(mark: string): string {
  return mark.padEnd(LANE)
}

function rowText(row: LadderRow, columns: number): string[] {
  const { stops, kind } = row
  const cells = new Array<string>(columns * LANE).fill(' ')
  for (let at = 0; at < columns; at++) cells[at * LANE] = '|'
  for (let step = 1; step < stops.length; step++)
    arrow(cells, stops[step - 1] as number, stops[step] as number, kind)
  const time = row.offsetMs.toFixed(1).padStart(TIME - 2)
  const fault = row.fault === undefined ? '' : `  ! ${row.fault}`
  const [first] = [`${time}  ${cells.join('')}${row.label}${fault}`]
  const lanes = new Array<string>(columns).fill(lane('|')).join('')
  return row.detail === '' || kind === 'sip' ? [first] : [first, `${' '.repeat(TIME)}${lanes}  ${row.detail}`]
}

function arrow(cells: string[], from: number, to: number, kind: LadderRow['kind']): void {
  if (from === to) {
    cells[from * LANE + 1] = 'o'
    return
  }
  const stroke = kind === 'sip' ? '-' : '.'
  const [low, high] = from < to ? [from, to] : [to, from]
  for (let at = low * LANE + 1; at < high * LANE; at++)
    if (cells[at] === ' ' || cells[at] === '|') cells[at] = stroke
  cells[to > from ? to * LANE - 1 : to * LANE + 1] = to > from ? '>' : '<'
}
