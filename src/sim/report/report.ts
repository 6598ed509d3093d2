/** The report of one or more runs: one HTML file that needs nothing else, in the light or the dark of its reader. */
import { figuresOf, quantile, sliceSuccess, type Figures } from '../figures.ts'
import type { Outcome } from '../run.ts'
import { barChart, compact, escaped, lineChart, type Mark } from './charts.ts'

const BINS = 24
/** More runs than that are summed up in the table only. */
const RUNS_DRAWN_MAX = 6

export function reportOf(outcomes: readonly Outcome[]): string {
  const figures = outcomes.map(figuresOf)
  const sizes = new Set(figures.map(({ peers }) => peers))
  const across = sizes.size > 1 ? hopsBySize(figures) : ''
  const single = outcomes
    .slice(0, RUNS_DRAWN_MAX)
    .map((outcome, index) => runSection(outcome, figures[index] as Figures))
  const body = `<h1>Ringbridge simulation</h1>${summary(figures)}${across}${single.join('')}`
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Ringbridge simulation</title><style>${STYLE}</style></head><body>${body}</body></html>\n`
}

function summary(figures: readonly Figures[]): string {
  const rows = figures.map((each) => {
    const { lookups, hops } = each
    const healed = each.healedAfterMs === undefined ? 'never' : `${compact(each.healedAfterMs / 1000)} s`
    const cells = [
      each.seed,
      String(each.peers),
      `${each.virtualMinutes.toFixed(1)} min`,
      `${(100 * each.lookupSuccess).toFixed(3)} %`,
      String(Object.values(lookups).reduce((sum, count) => sum + count, 0)),
      hops.mean.toFixed(2),
      each.deliveriesPerPeerSecond.toFixed(1),
      each.bytesPerPeerSecond.toFixed(0),
      `${each.lost} + ${each.lostBeyondBound}`,
      String(each.resurrected),
      healed,
      `<code>${each.digest}</code>`,
    ]
    const violations = each.violations.map((text) => `<p class="violation">${escaped(text)}</p>`).join('')
    const below = violations === '' ? '' : `<tr><td colspan="12">${violations}</td></tr>`
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>${below}`
  })
  const names = [
    'seed',
    'peers',
    'virtual time',
    'lookups right',
    'lookups',
    'hops',
    'messages / peer s',
    'bytes / peer s',
    'lost + beyond bound',
    'came back',
    'right again',
    'digest',
  ]
  const head = names.map((name) => `<th>${name}</th>`).join('')
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

function hopsBySize(figures: readonly Figures[]): string {
  const sorted = [...figures].sort((a, b) => a.peers - b.peers)
  return lineChart({ title: 'Hops of a lookup by overlay size', x: 'peers', xMin: 0, y: 'hops' }, [
    { name: 'mean', colour: 'a', points: sorted.map(({ peers, hops }) => ({ x: peers, y: hops.mean })) },
    {
      name: '½ log2 N + 0.5',
      colour: 'b',
      points: sorted.map(({ peers, hops }) => ({ x: peers, y: hops.bound })),
    },
  ])
}

function runSection(outcome: Outcome, figures: Figures): string {
  const { measures, plan } = outcome
  const start = outcome.times.loadFrom
  const minute = (ms: number): number => (ms - start) / 60_000
  const marks: Mark[] = measures.slices.flatMap((slice) =>
    slice.notes.slice(0, 1).map((text) => ({ x: minute(slice.endMs), text })),
  )
  // Too many would hide the line: a storm of restarts is named once.
  const shown = marks.length > 6 ? marks.slice(0, 1) : marks
  const success = measures.slices.flatMap((slice) => {
    const share = sliceSuccess(slice)
    return share === undefined ? [] : [{ x: minute(slice.endMs), y: 100 * share }]
  })
  const least = Math.min(100, ...success.map(({ y }) => y))
  const time = 'virtual minutes of load'
  const charts = [
    lineChart(
      {
        title: 'Lookups that were right, over time',
        x: time,
        y: '%',
        yMin: [99, 90, 50].find((floor) => least > floor) ?? 0,
        xMin: 0,
        yMax: 100,
        marks: shown,
      },
      [{ name: 'right', colour: 'a', points: success }],
    ),
    lineChart(
      { title: 'Peers that do not know their successor', x: time, xMin: 0, y: 'peers', marks: shown },
      [
        {
          name: 'wrong',
          colour: 'b',
          points: measures.slices.map((s) => ({ x: minute(s.endMs), y: s.ringFaults })),
        },
      ],
    ),
    barChart(
      { title: 'Message load: peers by messages a second', x: 'messages a second', y: 'peers' },
      histogram(outcome.loadPerPeer),
    ),
    barChart({ title: 'Lookups by hops', x: 'hops', y: 'lookups' }, hopBars(figures.hops.counts)),
  ]
  const title = `Seed ${escaped(plan.seed)}, ${plan.peers} peers`
  return `<section><h2>${title}</h2><div class="charts">${charts.join('')}</div></section>`
}

function histogram(values: readonly number[]): { readonly label: string; readonly value: number }[] {
  if (values.length === 0) return []
  const least = Math.floor(quantile(values, 0))
  const most = Math.max(least + 1, Math.ceil(Math.max(...values)))
  const width = (most - least) / BINS
  const counts = new Array<number>(BINS).fill(0)
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.floor((value - least) / width))
    counts[bin] = (counts[bin] as number) + 1
  }
  return counts.map((value, bin) => ({ label: compact(least + bin * width), value }))
}

/** Labels as the instrument's bounds: 0 to 6 each, then in steps. */
function hopBars(counts: readonly number[]): { readonly label: string; readonly value: number }[] {
  const labels = ['0', '1', '2', '3', '4', '5', '6', '7-8', '9-10', '11-12', '13-16', 'more']
  const last = counts.reduce((found, count, index) => (count > 0 ? index : found), 0)
  return labels.slice(0, Math.max(4, last + 1)).map((label, index) => ({ label, value: counts[index] ?? 0 }))
}

const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2933;--soft:#616e7c;--grid:#e4e7eb;--a:#1a66b8;--b:#c2571a;--c:#2f855a;--bad:#b91c1c}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e6e9ec;--soft:#9aa5b1;--grid:#2c333b;--a:#6aaef5;--b:#f0995c;--c:#6fcf97;--bad:#f87171}}
body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1520px;padding:0 1.5rem}
h1{font-size:1.6rem;margin:0 0 1rem}h2{font-size:1.15rem;margin:2.5rem 0 .5rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .7rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
th{color:var(--soft);font-weight:500}td[colspan]{text-align:left;white-space:normal}
.violation{color:var(--bad);margin:.2rem 0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));gap:1.5rem}
figure{margin:1rem 0 0;max-width:760px}figcaption{font-weight:600;margin-bottom:.25rem}svg{width:100%;height:auto;display:block}
svg text{font-size:12px;fill:var(--soft)}svg text.name{fill:var(--ink)}svg text.mark{fill:var(--ink)}
.grid{stroke:var(--grid)}line.mark{stroke:var(--soft);stroke-dasharray:3 3}
.line{fill:none;stroke-width:2}.line.a{stroke:var(--a)}.line.b{stroke:var(--b)}.line.c{stroke:var(--c)}
.dot.a{fill:var(--a)}.dot.b{fill:var(--b)}.dot.c{fill:var(--c)}.bar{fill:var(--a)}
.legend{margin:0 0 .25rem;font-size:13px}.legend span{margin-right:1.2rem}.legend span::before{content:"";display:inline-block;width:14px;height:3px;margin-right:.4rem;vertical-align:middle;background:currentColor}
.legend .a{color:var(--a)}.legend .b{color:var(--b)}.legend .c{color:var(--c)}
`
