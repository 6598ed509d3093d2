/** Plain charts as SVG text: one axis each way, few grid lines, a legend only for more than one series. */

export interface Series {
  readonly name: string
  /** Class of its colour: a, b or c. */
  readonly colour: 'a' | 'b' | 'c'
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

export interface Mark {
  readonly x: number
  readonly text: string
}

export interface ChartSettings {
  readonly title: string
  readonly x: string
  readonly y: string
  /** Upper end of the y axis; the largest value when absent. */
  readonly yMax?: number
  readonly yMin?: number
  /** Where the x axis begins; at the first point when absent. */
  readonly xMin?: number
  readonly marks?: readonly Mark[]
}

const WIDTH = 720
const HEIGHT = 280
const LEFT = 64
const RIGHT = 16
/** Room for the names of marks above the lines. */
const TOP = 28
const BOTTOM = 48
const TICKS = 5

interface Scale {
  readonly least: number
  readonly most: number
  readonly at: (value: number) => number
}

export function lineChart(settings: ChartSettings, series: readonly Series[]): string {
  const points = series.flatMap((each) => each.points)
  const x = scaleX(
    range([...(settings.xMin === undefined ? [] : [settings.xMin]), ...points.map((point) => point.x)]),
  )
  const y = scaleY(
    settings.yMin ?? 0,
    settings.yMax ?? niceTop(Math.max(0, ...points.map((point) => point.y))),
  )
  const lines = series.map(({ colour, points: own }) => {
    const path = own.map((point) => `${x.at(point.x).toFixed(1)},${y.at(point.y).toFixed(1)}`).join(' ')
    const dots = own.length > 12 ? '' : own.map((point) => dot(colour, x.at(point.x), y.at(point.y))).join('')
    return `<polyline class="line ${colour}" points="${path}"/>${dots}`
  })
  const marks = (settings.marks ?? []).map((mark) => markAt(x.at(mark.x), mark.text))
  return figure(settings, series, [axes(settings, x, y), ...marks, ...lines])
}

/** `bars` from left to right, labelled. */
export function barChart(
  settings: ChartSettings,
  bars: readonly { readonly label: string; readonly value: number }[],
): string {
  const y = scaleY(0, settings.yMax ?? niceTop(Math.max(0, ...bars.map(({ value }) => value))))
  const step = (WIDTH - LEFT - RIGHT) / Math.max(1, bars.length)
  // Labels that would touch are left out.
  const every = Math.max(1, Math.ceil((bars.length * 44) / (WIDTH - LEFT - RIGHT)))
  const shapes = bars.map(({ label, value }, index) => {
    const left = LEFT + index * step
    const top = y.at(value)
    const height = Math.max(0, HEIGHT - BOTTOM - top)
    const bar = `<rect class="bar" x="${(left + 1).toFixed(1)}" y="${top.toFixed(1)}" width="${Math.max(1, step - 2).toFixed(1)}" height="${height.toFixed(1)}"><title>${escaped(label)}: ${compact(value)}</title></rect>`
    const text = index % every === 0 ? below(left + step / 2, label) : ''
    return bar + text
  })
  return figure(settings, [], [grid(y), axisNames(settings), ...shapes])
}

function figure(settings: ChartSettings, series: readonly Series[], shapes: readonly string[]): string {
  const legend =
    series.length < 2
      ? ''
      : `<p class="legend">${series.map(({ name, colour }) => `<span class="${colour}">${escaped(name)}</span>`).join('')}</p>`
  const svg = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(settings.title)}">${shapes.join('')}</svg>`
  return `<figure><figcaption>${escaped(settings.title)}</figcaption>${legend}${svg}</figure>`
}

function axes(settings: ChartSettings, x: Scale, y: Scale): string {
  const labels = ticks(x).map((value) => below(x.at(value), compact(value)))
  return grid(y) + labels.join('') + axisNames(settings)
}

function grid(y: Scale): string {
  return ticks(y)
    .map((value) => {
      const at = y.at(value).toFixed(1)
      const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>`
      return `${line}<text x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end">${compact(value)}</text>`
    })
    .join('')
}

function axisNames({ x, y }: ChartSettings): string {
  const middle = (HEIGHT - BOTTOM + TOP) / 2
  const across = `<text class="name" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(x)}</text>`
  return `${across}<text class="name" transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`
}

function markAt(x: number, text: string): string {
  const line = `<line class="mark" x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>`
  const right = x > WIDTH * 0.7
  const label = `<text class="mark" x="${(x + (right ? -4 : 4)).toFixed(1)}" y="${TOP - 8}" text-anchor="${right ? 'end' : 'start'}">${escaped(text)}</text>`
  return line + label
}

function below(x: number, text: string): string {
  return `<text x="${x.toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${escaped(text)}</text>`
}

function dot(colour: string, x: number, y: number): string {
  return `<circle class="dot ${colour}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3.5"/>`
}

function scaleX({ least, most }: { readonly least: number; readonly most: number }): Scale {
  const width = WIDTH - LEFT - RIGHT
  const span = most - least || 1
  return { least, most, at: (value) => LEFT + ((value - least) / span) * width }
}

function scaleY(least: number, most: number): Scale {
  const height = HEIGHT - TOP - BOTTOM
  const span = most - least || 1
  return { least, most, at: (value) => HEIGHT - BOTTOM - ((Math.min(value, most) - least) / span) * height }
}

function range(values: readonly number[]): { readonly least: number; readonly most: number } {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return values.length === 0 ? { least: 0, most: 1 } : { least, most }
}

function ticks({ least, most }: Scale): number[] {
  const step = niceStep((most - least) / TICKS)
  const found: number[] = []
  for (let value = Math.ceil(least / step) * step; value <= most + step / 1e6; value += step)
    found.push(value)
  return found
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(rough: number): number {
  if (!(rough > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const lead = rough / power
  return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10)
}

function niceTop(most: number): number {
  const step = niceStep(most / TICKS)
  return most === 0 ? 1 : Math.ceil(most / step) * step
}

export function compact(value: number): string {
  if (Math.abs(value) >= 10_000) return `${Math.round(value / 1000)}k`
  return String(Number(value.toFixed(Math.abs(value) < 10 ? 2 : 1)))
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
