/** Counters as lines over the last minutes: how much goes on now, and whether that is more than before. */
import type { RatesView } from '../answers.ts'
import { html, show, svg } from './dom.ts'
import { byteSize, perSecond } from './format.ts'

interface Series {
  readonly title: string
  readonly unit: string
  readonly of: (counters: Readonly<Record<string, number>>) => number
  readonly text: (value: number) => string
}

const sum =
  (...names: readonly string[]) =>
  (counters: Readonly<Record<string, number>>): number =>
    names.reduce((total, name) => total + (counters[name] ?? 0), 0)

const SERIES: readonly Series[] = [
  { title: 'SIP', unit: '/s', of: sum('sipIn', 'sipOut'), text: perSecond },
  { title: 'Calls', unit: '/s', of: sum('calls'), text: perSecond },
  { title: 'Registrations', unit: '/s', of: sum('registers'), text: perSecond },
  {
    title: 'Overlay',
    unit: '/s',
    of: sum('overlayIn', 'overlayOut', 'overlayForwarded'),
    text: perSecond,
  },
  { title: 'Bytes', unit: '/s', of: sum('overlayBytesIn', 'overlayBytesOut'), text: byteSize },
]

/** Two minutes, one value every two seconds. */
const VALUES_MAX = 60
const WIDTH = 150
const HEIGHT = 34

export class Rates {
  readonly element = html('section', { class: 'rates', 'aria-label': 'Rates of the last two minutes' })
  private readonly history = SERIES.map((): number[] => [])
  private last: RatesView | undefined

  add(rates: RatesView): void {
    const { last } = this
    this.last = rates
    if (last === undefined || rates.at <= last.at) return this.draw()
    const seconds = (rates.at - last.at) / 1000
    for (const [index, { of }] of SERIES.entries()) {
      const values = this.history[index] as number[]
      // Less than before: the process was started anew.
      values.push(Math.max(0, of(rates.counters) - of(last.counters)) / seconds)
      if (values.length > VALUES_MAX) values.shift()
    }
    this.draw()
  }

  private draw(): void {
    show(
      this.element,
      ...SERIES.map(({ title, unit, text }, index) => {
        const values = this.history[index] as number[]
        const now = values.at(-1)
        return html(
          'div',
          { class: 'rate' },
          html('span', { class: 'title' }, title),
          html('span', { class: 'value' }, now === undefined ? '–' : `${text(now)}${unit}`),
          line(values),
        )
      }),
    )
  }
}

function line(values: readonly number[]): SVGSVGElement {
  const most = Math.max(...values, 0.5)
  const points = values.map((value, index) => {
    const x = ((VALUES_MAX - values.length + index) / (VALUES_MAX - 1)) * WIDTH
    return `${x.toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`
  })
  return svg(
    'svg',
    { class: 'line', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('polyline', { points: points.join(' ') }),
  )
}
