/** The log: JSON lines on stdout, readable text on a terminal. Takes trace events; personal data stays `[private]`. */
import type { Writable } from 'node:stream'
import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino'
import type { Trace, TraceEvent } from '../common/trace.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface Log {
  readonly trace: Trace
  /** What standard output carries. */
  readonly format: 'json' | 'text'
  setLevel(level: LogLevel): void
  /** What somebody has asked for: written whatever the level is. */
  report(area: string, event: string, fields: object): void
}

/** `format` auto: text when stdout is a terminal. `stream` is for tests. */
export function openLog(level: LogLevel, format: 'auto' | 'json' | 'text', stream?: DestinationStream): Log {
  const asText = format === 'text' || (format === 'auto' && process.stdout.isTTY)
  const logger: Logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream ?? (asText ? textStream(process.stdout) : jsonStream()),
  )
  return {
    format: asText ? 'text' : 'json',
    trace: ({ level: at, ...fields }: TraceEvent) => {
      if (logger.isLevelEnabled(at)) logger[at](printable(fields))
    },
    setLevel: (next) => {
      logger.level = next
    },
    report: (area, event, fields) => {
      const { level: before } = logger
      logger.level = 'info'
      logger.info(printable({ area, event, ...fields }))
      logger.level = before
    },
  }
}

/** JSON has no bigint; everything else prints itself, `Private` as `[private]`. */
function printable(fields: object): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    out[name] = typeof value === 'bigint' ? value.toString() : value
  }
  return out
}

function jsonStream(): DestinationStream {
  const stream = destination({ dest: 1, sync: true })
  // Whoever read the log is gone; the calls go on.
  stream.on('error', () => undefined)
  return stream
}

/** `03:12:01 info  reload joined  neighbors=3` */
function textStream(out: Writable): DestinationStream {
  return {
    write: (line: string) => {
      const { time, level, area, event, ...rest } = JSON.parse(line) as Record<string, unknown>
      const fields = Object.entries(rest).map(([name, value]) => `${name}=${show(value)}`)
      const clock = String(time).slice(11, 19)
      out.write(`${clock} ${String(level).padEnd(5)} ${String(area)} ${String(event)}  ${fields.join(' ')}\n`)
    },
  }
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // Control characters of a hostile message must not reach the operator's terminal.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '.')
}
