/** `ringbridge start`: one node, until it is told to end. */
import { once } from 'node:events'
import { waitingForRestart } from '../../app/config/changes.ts'
import { usableConfig } from '../../app/config/check.ts'
import { formatHostPort, parseHostPort, reachableAddress } from '../../app/config/endpoint.ts'
import type { Config } from '../../app/config/schema.ts'
import { openLog, type Log } from '../../app/log.ts'
import { startNode, type RunningNode } from '../../app/node.ts'
import { phoneListeners } from '../../app/phone-listeners.ts'
import { phoneSettings } from '../../app/phone-settings.ts'
import { EXIT, noneLeft, readArgs, type Command } from '../command.ts'

const HELP = `ringbridge start [--config FILE]

Runs one node. Without a file: everything embedded, data in ./data, SIP on UDP and TCP 0.0.0.0:5060, RELOAD on 0.0.0.0:6084,
admin on 127.0.0.1:8080. Every key may come from the environment: RINGBRIDGE_SIP__LISTEN, RINGBRIDGE_ADMIN__TOKEN_FILE.

SIGTERM, SIGINT  hand over, leave, exit; a second one exits at once, with exit code 1
SIGHUP           read accounts, imported certificates, the Configuration Document, limits and log level again; no call ends,
                 and the log names other keys that changed and wait for a restart
SIGUSR2          one log line: the ring as seen from here, queues and counters

  --config FILE  YAML; check-config FILE validates it
  --tied         end when standard input ends: for a parent that may die
  --json         log JSON lines even on a terminal; what is for people then goes to standard error`

export const start: Command = {
  help: HELP,
  run: async (args) => {
    const { values, positionals } = readArgs(args, {
      config: { type: 'string' },
      tied: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    })
    noneLeft(positionals, 0)
    const config = usableConfig(values.config, process.env)
    const log = openLog(config.log.level, values.json ? 'json' : config.log.format)
    // Whoever read the output may be gone; the calls go on.
    process.stdout.on('error', () => undefined)
    process.stderr.on('error', () => undefined)
    process.on('uncaughtException', (error) => crash(log, error))
    const stop = stopSignal(log, values.tied)
    const early = earlySignals(log)
    const node = await started(config, log, stop.signal)
    if (node === undefined) return EXIT.done
    const jsonAsked = values.json || config.log.format === 'json'
    announce(config, node, process[sheetStream(log.format, jsonAsked, node.fresh.length > 0)])
    void node.ready().then(() => {
      log.trace({ level: 'info', area: 'app', event: 'ready', nodeId: node.nodeId, admin: node.admin })
    })
    await untilStopped(node, log, { file: values.config, running: config }, stop.signal, early)
    if (values.tied) process.stdin.destroy()
    return EXIT.done
  },
}

/** A broken promise of our own code: going on could acknowledge what is not true (common/assert.ts). */
function crash(log: Log, error: Error): never {
  log.trace({ level: 'error', area: 'app', event: 'crashed', reason: error.message, stack: error.stack })
  process.exit(EXIT.failed)
}

/** SIGTERM, SIGINT and, for a tied process, the end of standard input; a second signal ends the process where it stands. */
function stopSignal(log: Log, tied: boolean): AbortController {
  const stop = new AbortController()
  const onSignal = (signal: string): void => {
    if (stop.signal.aborted) {
      log.trace({ level: 'warn', area: 'app', event: 'stopped_at_once', signal })
      process.exit(EXIT.failed)
    }
    stop.abort(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  if (tied) process.stdin.on('end', () => stop.abort('stdin')).resume()
  return stop
}

interface EarlySignals {
  /** Hands over; true when somebody has asked for a reload meanwhile. */
  end(): boolean
}

/**
 * SIGHUP and SIGUSR2 while there is no node yet, only one that waits for a server: left to the system both would end the process.
 * A reload is made up for, since files may have changed after they were read.
 */
function earlySignals(log: Log): EarlySignals {
  let reloadAsked = false
  const onSignal = (signal: string): void => {
    if (signal === 'SIGHUP') reloadAsked = true
    log.trace({ level: 'info', area: 'app', event: 'still_starting', signal })
  }
  process.on('SIGHUP', onSignal)
  process.on('SIGUSR2', onSignal)
  return {
    end: () => {
      process.off('SIGHUP', onSignal)
      process.off('SIGUSR2', onSignal)
      return reloadAsked
    },
  }
}

/** Undefined when the process was told to end while the node still waited for somebody to join. */
async function started(config: Config, log: Log, signal: AbortSignal): Promise<RunningNode | undefined> {
  try {
    return await startNode(config, log.trace, signal)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'STOPPED') throw error
    log.trace({ level: 'info', area: 'app', event: 'stopped' })
    return undefined
  }
}

/**
 * Where the sheet goes (docs/adr/0007-settings-sheet.md). The first one, which alone has passwords, goes to standard output;
 * later ones, or where somebody asked for JSON, leave standard output to the log.
 */
export function sheetStream(
  logFormat: 'json' | 'text',
  jsonAsked: boolean,
  withPasswords: boolean,
): 'stdout' | 'stderr' {
  return logFormat === 'text' || (withPasswords && !jsonAsked) ? 'stdout' : 'stderr'
}

/** What to type into a phone, and where this node is. Not part of the log: the log never shows a password. */
function announce(config: Config, node: RunningNode, out: NodeJS.WritableStream): void {
  const { address: host, port } = node.overlay.overlay
  const listeners =
    config.sip.engine === 'drachtio'
      ? phoneListeners(config).map(({ scheme, host, port }) => ({
          transport: scheme,
          advertisedHost: host,
          port,
        }))
      : node.sip
  const phones =
    config.sip.roles.length > 0
      ? phoneSettings(node.domain, listeners, node.fresh, node.accounts, node.phoneRoot)
      : ''
  const admin = parseHostPort(node.admin, 'admin.listen')
  out.write(`${phones}
This node:
  status page   http://${formatHostPort({ ...admin, host: reachableAddress(admin.host, undefined) })}/
  other peers   connect to ${formatHostPort({ host, port })}; how: README, "A second site"
  data          ${config.data.dir}

`)
}

interface ConfigSource {
  readonly file: string | undefined
  /** What the node was started with. */
  readonly running: Config
}

/** Waits for the end and leaves. */
async function untilStopped(
  node: RunningNode,
  log: Log,
  source: ConfigSource,
  stop: AbortSignal,
  early: EarlySignals,
): Promise<void> {
  const onReload = (): void => reload(node, log, source)
  const onDump = (): void => void node.state().then((state) => log.report('app', 'state', state))
  process.on('SIGHUP', onReload)
  process.on('SIGUSR2', onDump)
  if (early.end()) onReload()
  if (!stop.aborted) await once(stop, 'abort')
  log.trace({ level: 'info', area: 'app', event: 'stopping', signal: String(stop.reason) })
  await node.stop()
  process.off('SIGHUP', onReload)
  process.off('SIGUSR2', onDump)
}

/** A fault in a file leaves everything as it was. */
function reload(node: RunningNode, log: Log, { file, running }: ConfigSource): void {
  try {
    const config = usableConfig(file, process.env)
    node.reload(config)
    log.setLevel(config.log.level)
    node.reloaded(true)
    const keys = waitingForRestart(running, config)
    if (keys.length > 0)
      log.trace({ level: 'warn', area: 'app', event: 'restart_needed', keys: keys.join(' ') })
    log.trace({ level: 'info', area: 'app', event: 'reloaded' })
  } catch (error) {
    node.reloaded(false)
    const reason = error instanceof Error ? error.message : String(error)
    log.trace({ level: 'error', area: 'app', event: 'reload_failed', reason })
  }
}
