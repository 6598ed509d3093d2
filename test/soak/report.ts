/** Counts, and says at the end what they come to. */
import type { Crowd } from './crowd.ts'
import type { Fleet } from './fleet.ts'
import { VERDICTS, type Lookup, type Verdict } from './lookups.ts'

/** A lookup that takes longer is late: a phone has sent its INVITE four times by then. */
const LATE_MS = 4_000
/** Lines about single answers that are not right. */
const LINES_MAX = 30

export class Report {
  /** Kills left out because too many peers were down. */
  postponed = 0
  private readonly started = performance.now()
  private readonly counts = new Map<string, number>()
  private readonly lookupMs: number[] = []
  private registerMs: readonly number[] = []
  private lines = 0

  say(line: string): void {
    const seconds = ((performance.now() - this.started) / 1000).toFixed(1)
    process.stdout.write(`${seconds.padStart(7)}  ${line}\n`)
  }

  /** Before the first kill. */
  registered({ registerMs }: Crowd): void {
    this.registerMs = [...registerMs]
  }

  during(lookup: Lookup): void {
    if (lookup.verdict !== 'void' && lookup.verdict !== 'failed') this.lookupMs.push(lookup.ms)
    this.count('during', lookup)
  }

  after(lookup: Lookup): void {
    this.count('after', lookup)
  }

  /** The table; true when nothing was lost and no answer was wrong. */
  end(end: {
    readonly fleet: Fleet
    readonly crowd: Crowd
    readonly late: number
    readonly lost: readonly string[]
  }): boolean {
    const { fleet, crowd, late, lost } = end
    const { registerMs, refused, phones, reregistered } = crowd
    const of = (phase: string, verdict: Verdict): number => this.counts.get(`${phase} ${verdict}`) ?? 0
    const lookups = (phase: string): string =>
      VERDICTS.map((verdict) => `${verdict} ${of(phase, verdict)}`).join(', ')
    const wrong = ['during', 'after'].reduce(
      (sum, phase) => sum + of(phase, 'wrong'),
      of('during', 'missing'),
    )
    const rows: [string, string][] = [
      ['kills (kill -9, with restart)', `${fleet.kills}; left out ${this.postponed}`],
      ['restart to ready', milliseconds(fleet.joins)],
      ['AORs', String(phones.length)],
      ['REGISTER before', milliseconds(this.registerMs)],
      ['REGISTER during', milliseconds(registerMs.slice(this.registerMs.length))],
      ['  after the death of a peer', String(reregistered)],
      [
        '  refused or unanswered',
        [...refused].map(([status, count]) => `${count} x ${status}`).join(', ') || '0',
      ],
      ['lookups during', lookups('during')],
      ['  time', milliseconds(this.lookupMs)],
      [`  later than ${LATE_MS / 1000} s`, String(this.lookupMs.filter((ms) => ms > LATE_MS).length)],
      ['lookups at the end', lookups('after')],
      ['AORs found only at a second look', String(late - lost.length)],
      ['AORs lost', `${lost.length} ${lost.slice(0, 10).join(' ')}`],
      ['wrong or missing answers', String(wrong)],
      ['faults', fleet.faults.join('; ') || 'none'],
    ]
    for (const [name, value] of rows) this.say(`${name.padEnd(34)}${value}`)
    const good = lost.length === 0 && wrong === 0 && fleet.faults.length === 0
    this.say(good ? 'PASSED' : 'FAILED')
    return good
  }

  private count(phase: string, { verdict, what, ms }: Lookup): void {
    const name = `${phase} ${verdict}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    const telling = verdict === 'missing' || verdict === 'wrong' || verdict === 'failed'
    if (!telling || ++this.lines > LINES_MAX) return
    this.say(`${verdict} after ${Math.round(ms)} ms: ${what}`)
  }
}

function milliseconds(values: readonly number[]): string {
  if (values.length === 0) return 'none'
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number)
  return `${sorted.length}; ms p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, max ${at(1)}`
}
