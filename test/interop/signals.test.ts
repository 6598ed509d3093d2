/** What the signals of `ringbridge start` do when they come at a bad moment; see its --help. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { COMMAND } from './support/testbed.ts'

let folder = ''
let file = ''
let admin = ''
let config = ''
let node: Running | undefined
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-signals-'))
  file = join(folder, 'node.yaml')
  admin = `127.0.0.1:${await freePort()}`
  config = JSON.stringify({
    overlay: { name: 'dht.example.com', listen: [`tls://127.0.0.1:${await freePort()}`] },
    sip: { listen: [`udp://127.0.0.1:${await freePort()}`] },
    admin: { listen: admin },
    data: { dir: join(folder, 'data') },
  })
})
afterEach(() => node?.stop())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(text: string): Running {
  writeFileSync(file, text)
  node = new Running(process.execPath, [COMMAND, 'start', '--config', file, '--json'])
  return node
}

const logged =
  (event: string, more = '') =>
  (line: string): boolean =>
    line.includes(`"event":"${event}"`) && line.includes(more)

describe('signals', () => {
  it('SIGHUP with a file that is broken or gone changes nothing: one line says where the fault is, and the node stays ready', async () => {
    const running = start(config)
    await running.line(logged('ready'), 'ready')
    for (const [text, fault] of [
      ['sip: { nope: 1 }', 'node.yaml:1:8: unknown key'],
      [': : :', 'not valid YAML'],
      [undefined, 'ENOENT'],
    ] as const) {
      if (text === undefined) rmSync(file)
      else writeFileSync(file, text)
      running.child.kill('SIGHUP')
      await running.line(logged('reload_failed', fault), fault)
    }
    writeFileSync(file, config)
    running.child.kill('SIGHUP')
    await running.line(logged('reloaded'), 'reloaded')
    expect((await fetch(`http://${admin}/readyz`)).status).toBe(200)
    running.child.kill('SIGTERM')
    expect(await running.exit()).toBe(0)
  })

  it.each(['SIGTERM', 'SIGINT'])(
    '%s while it still loads ends it as it ends a node: exit code 0',
    async (signal) => {
      // Sent from within, as soon as anybody listens for it; a node would have said in its log that it stops.
      const watch = `const each = setInterval(() => { if (process.listenerCount('${signal}') === 0) return; clearInterval(each); process.kill(process.pid, '${signal}') }, 1)`
      node = new Running(process.execPath, [
        ...['--import', `data:text/javascript,${encodeURIComponent(watch)}`],
        ...[COMMAND, 'start', '--config', join(folder, 'none.yaml')],
      ])
      expect(await node.exit()).toBe(0)
      expect(node.output).toBe('')
    },
  )

  it('a second SIGTERM or SIGINT ends it where it stands, with exit code 1', async () => {
    const running = start(config)
    await running.line(logged('ready'), 'ready')
    // Both have come when it runs again.
    for (const signal of ['SIGSTOP', 'SIGTERM', 'SIGINT', 'SIGCONT'] as const) running.child.kill(signal)
    expect(await running.exit()).toBe(1)
    expect(running.output).toContain('"event":"stopped_at_once"')
  })

  it('while it waits for a configuration server, SIGHUP and SIGUSR2 do not end it, and SIGTERM does at once', async () => {
    const running = start(
      JSON.stringify({
        overlay: {
          name: 'dht.example.com',
          configuration: 'https://127.0.0.1:1/.well-known/reload-config',
          account: 'a',
          password: 'b',
        },
        data: { dir: join(folder, 'waiting') },
      }),
    )
    await running.line(logged('configuration_not_fetched'), 'waiting')
    for (const signal of ['SIGHUP', 'SIGUSR2'] as const) {
      running.child.kill(signal)
      await running.line(logged('still_starting', signal), signal)
    }
    running.child.kill('SIGTERM')
    expect(await running.exit()).toBe(0)
    expect(running.output).toContain('"event":"stopped"')
  })
})
