/** Reads the metrics of something under test as Prometheus would, and says which series have moved between two readings. */
import { MetricsRegistry, type Readings } from '../../src/metrics/registry.ts'

const PREFIX = 'p2psip_'

export class Meter {
  private readonly text: () => Promise<string>
  private last: ReadonlyMap<string, number> = new Map()

  private constructor(text: () => Promise<string>) {
    this.text = text
  }

  /** What moves from now on. */
  static async of(readings: Readings): Promise<Meter> {
    const registry = new MetricsRegistry(readings, { process: false })
    return Meter.reading(() => registry.text())
  }

  /** The same for what answers a scrape. */
  static async reading(text: () => Promise<string>): Promise<Meter> {
    const meter = new Meter(text)
    await meter.moved()
    return meter
  }

  /** By how much each series has moved since the last look, without the prefix; what stands still is left out. */
  async moved(): Promise<Record<string, number>> {
    const before = this.last
    const now = samples(await this.text())
    this.last = now
    const changes = [...now].map(([series, value]) => [series, value - (before.get(series) ?? 0)] as const)
    return Object.fromEntries(changes.filter(([, change]) => change !== 0))
  }

  /** The value of one series at the last look; undefined when there is none. */
  at(series: string): number | undefined {
    return this.last.get(series)
  }

  /** A look now, and the value of one series. */
  async value(series: string): Promise<number | undefined> {
    await this.moved()
    return this.at(series)
  }
}

function samples(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (!line.startsWith(PREFIX)) continue
    const at = line.lastIndexOf(' ')
    found.set(line.slice(PREFIX.length, at), Number(line.slice(at + 1)))
  }
  return found
}
