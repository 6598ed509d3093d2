/** `ringbridge start`: one node, until it is told to end. */
import { waitingForRestart } from '../../app/config/changes.ts'
import { usableConfig } from '../../app/config/check.ts'
import { formatHostPort } from '../../app/config/endpoint.ts'
import type { Config } from '../../app/config/schema.ts'
import { openLog, type Log } from '../../app/log.ts'
import { startNode, type RunningNode } from '../../app/node.ts'
import { phoneSettings } from '../../app/phone-settings.ts'
import { EXIT, readArgs, UsageError, type Command } from '../command.ts'

const HELP = `ringbridge start [--config FILE]

Runs one node. Without a file: everything embedded, data in ./data, SIP on UDP and TCP 0.0.0.0:5060, RELOAD on 0.0.0.0:6084,
admin on 127.0.0.1:8080. Every key may come from the environment: RINGBRIDGE_SIP__LISTEN, RINGBRIDGE_ADMIN__TOKEN_FILE.

SIGTERM, SIGINT  hand over, leave, exit; a second one exits at once
SIGHUP           read accounts and log level again; the log names other keys that changed and wait for a restart

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
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0] as string}"`)
    const config = usableConfig(values.config, process.env)
    const log = openLog(config.log.level, values.json ? 'json' : config.log.format)
    // Whoever read the output may be gone; the calls go on.
    process.stdout.on('error', () => undefined)
    process.stderr.on('error', () => undefined)
    process.on('uncaughtException', (error) => crash(log, error))
    const node = await startNode(config, log.trace)
    announce(config, node, log.format === 'text' ? process.stdout : process.stderr)
    void node.ready().then(() => {
      log.trace({ level: 'info', area: 'app', event: 'ready', nodeId: node.nodeId, admin: node.admin })
    })
    await untilStopped(node, log, { file: values.config, running: config }, values.tied)
    return EXIT.done
  },
}

/** A broken promise of our own code: going on could acknowledge what is not true (common/assert.ts). */
function crash(log: Log, error: Error): never {
  log.trace({ level: 'error', area: 'app', event: 'crashed', reason: error.message, stack: error.stack })
  process.exit(EXIT.failed)
}

/**
 * What to type into a phone. Not part of the log: the first run shows passwords, and the log never does. Where the log is
 * JSON lines, standard output belongs to it alone.
 */
function announce(config: Config, node: RunningNode, out: NodeJS.WritableStream): void {
  const { address: host, port } = node.overlay.overlay
  const phones = config.sip.roles.length > 0 ? phoneSettings(node.domain, node.sip, node.fresh) : ''
  out.write(`${phones}
This node:
  status page   http://${node.admin}/
  other peers   connect to ${formatHostPort({ host, port })}
  data          ${config.data.dir}

`)
}

interface ConfigSource {
  readonly file: string | undefined
  /** What the node was started with. */
  readonly running: Config
}

/** Waits for a signal and leaves; a second signal ends the process where it stands. */
async function untilStopped(node: RunningNode, log: Log, source: ConfigSource, tied: boolean): Promise<void> {
  let told: (signal: string) => void = () => undefined
  const signalled = new Promise<string>((resolve) => (told = resolve))
  let signals = 0
  const onSignal = (signal: string): void => {
    if (++signals > 1) process.exit(EXIT.failed)
    told(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.on('SIGHUP', () => reload(node, log, source))
  if (tied) process.stdin.on('end', () => told('stdin')).resume()
  const signal = await signalled
  log.trace({ level: 'info', area: 'app', event: 'stopping', signal })
  await node.stop()
  if (tied) process.stdin.destroy()
  process.removeAllListeners('SIGHUP')
}

/** A fault in a file leaves everything as it was. */
function reload(node: RunningNode, log: Log, { file, running }: ConfigSource): void {
  try {
    const config = usableConfig(file, process.env)
    log.setLevel(config.log.level)
    node.reload()
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
