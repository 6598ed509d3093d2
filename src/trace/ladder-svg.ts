/**
 * A ladder as SVG. Colours are classes that a page may style and attributes for everybody else; no script, no style sheet, no
 * outside reference, so it may be put into any page and opened as a file.
 */
import type { Ladder, LadderRow } from './ladder.ts'

const LEFT = 130
const LANE = 190
const RIGHT = 120
const HEAD = 64
const ROW = 40

/** A label fits over its arrow, between two lanes. */
const LABEL_LENGTH = 26

export function ladderSvg({ columns, rows }: Ladder): string {
  const width = LEFT + Math.max(1, columns.length - 1) * LANE + RIGHT
  const height = HEAD + rows.length * ROW + 24
  const lanes = columns.map(({ title, subtitle, isNode }, index) => {
    const x = xOf(index)
    return (
      `<line class="lane" x1="${x}" y1="${HEAD - 8}" x2="${x}" y2="${height - 12}" stroke="#8a93a0" stroke-width="1"/>` +
      text(x, 22, fitted(title, 26), `who${isNode ? ' node' : ''}`, 'middle', ' font-weight="600"') +
      text(x, 40, fitted(subtitle, 28), 'where', 'middle', ' font-size="11" fill-opacity="0.7"')
    )
  })
  const drawn = rows.map((row, index) => rowSvg(row, HEAD + index * ROW + 20, index, width))
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img" aria-label="Ladder of the call" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="currentColor">` +
    // Below the heads: the address of the first one reaches over the times.
    text(LEFT - 24, HEAD - 4, 'ms', 'time', 'end', ' font-size="11" fill-opacity="0.7"') +
    `${lanes.join('')}${drawn.join('')}</svg>\n`
  )
}

function xOf(column: number): number {
  return LEFT + column * LANE
}

function rowSvg(row: LadderRow, y: number, index: number, width: number): string {
  const { stops, kind, fault } = row
  const first = stops[0] as number
  const last = stops.at(-1) as number
  const colour = fault !== undefined ? '#c0392b' : kind === 'sip' ? '#2563a8' : '#8a5a00'
  const tone = fault !== undefined ? 'fault' : kind === 'sip' ? 'sip' : 'overlay'
  const dash = kind === 'sip' ? '' : ' stroke-dasharray="5 4"'
  const parts: string[] = []
  for (let step = 1; step < stops.length; step++) {
    const from = xOf(stops[step - 1] as number)
    const to = xOf(stops[step] as number)
    parts.push(
      `<line x1="${from}" y1="${y}" x2="${to}" y2="${y}" stroke="${colour}" stroke-width="1.5"${dash}/>`,
      from === to
        ? `<circle cx="${to}" cy="${y}" r="4" fill="${colour}"/>`
        : `<path d="M${to} ${y}l${to > from ? '-8 -4v8' : '8 -4v8'}z" fill="${colour}"/>`,
    )
  }
  const middle = (xOf(first) + xOf(last)) / 2
  const beside = first === last
  const label = fitted(row.label, LABEL_LENGTH * Math.max(1, Math.abs(last - first)))
  parts.push(
    beside
      ? text(xOf(first) + 10, y + 4, label, 'label', 'start')
      : text(middle, y - 6, label, 'label', 'middle'),
  )
  if (kind !== 'sip') {
    const note = fitted(fault ?? row.detail, 32 * Math.max(1, Math.abs(last - first)))
    parts.push(
      text(
        beside ? xOf(first) + 10 : middle,
        y + 15,
        note,
        'note',
        beside ? 'start' : 'middle',
        ' font-size="10.5" fill-opacity="0.75"',
      ),
    )
  }
  const title = `${row.label}${row.detail === '' ? '' : `\n${row.detail}`}${fault === undefined ? '' : `\n${fault}`}`
  return (
    `<g class="step ${tone}" data-row="${index}"><title>${escaped(title)}</title>` +
    // The whole row is one thing to point at.
    `<rect class="row" x="0" y="${y - 20}" width="${width}" height="${ROW}" fill="transparent"/>` +
    text(
      LEFT - 24,
      y + 4,
      `${row.offsetMs.toFixed(1)}`,
      'time',
      'end',
      ' font-size="11" fill-opacity="0.7"',
    ) +
    `${parts.join('')}</g>`
  )
}

function text(x: number, y: number, content: string, name: string, anchor: string, more = ''): string {
  return `<text class="${name}" x="${x}" y="${y}" text-anchor="${anchor}"${more}>${escaped(content)}</text>`
}

function fitted(content: string, length: number): string {
  return content.length <= length ? content : `${content.slice(0, length - 1)}…`
}

/** Text of hostile messages must be neither markup nor control characters. */
function escaped(content: string): string {
  return content
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g, '.')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
}
