import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkCombinations } from '../../../src/app/config/check.ts'
import { readConfig } from '../../../src/app/config/load.ts'
import type { Config } from '../../../src/app/config/schema.ts'
import { startNode, type RunningNode } from '../../../src/app/node.ts'
import { documentSigner } from '../../../src/app/trust/overlay-folder.ts'
import { signedDocument } from '../../../src/app/trust/overlay-document.ts'
import type { TraceEvent } from '../../../src/common/trace.ts'
import { openAuthority } from '../../../src/enrollment/io/index.ts'
import { nodeIdFromHex, type NodeId } from '../../../src/reload/codec/index.ts'
import { nextSequence, parseConfiguration } from '../../../src/reload/config/index.ts'
import { NodeCrypto } from '../../../src/reload/security/index.ts'

const OVERLAY = 'dht.example.com'
let folder = ''
const running = new Set<RunningNode>()
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-copied-'))
})
afterEach(async () => {
  await Promise.all([...running].map((node) => node.stop()))
  running.clear()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function config(name: string, overlay: Record<string, unknown>): Config {
  const all = {
    overlay: { listen: ['tls://127.0.0.1:0'], standalone: true, ...overlay },
    sip: { listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'] },
    admin: { listen: '127.0.0.1:0' },
    data: { dir: join(folder, name) },
  }
  const read = readConfig(JSON.stringify(all), 'test', {})
  checkCombinations(read)
  return read
}

/** A node and what it tells; `told` resolves with the first line of that event, of the past or to come. */
async function start(settings: Config) {
  const lines: TraceEvent[] = []
  const waiting: (() => void)[] = []
  const node = await startNode(settings, (event) => {
    lines.push(event)
    for (const look of waiting.splice(0)) look()
  })
  running.add(node)
  await node.ready()
  const told = (event: string, fields: Record<string, unknown> = {}): Promise<TraceEvent> =>
    new Promise((resolve) => {
      const look = (): void => {
        const fits = (line: TraceEvent): boolean =>
          line.event === event && Object.entries(fields).every(([name, value]) => line[name] === value)
        const found = lines.find(fits)
        if (found === undefined) waiting.push(look)
        else resolve(found)
      }
      look()
    })
  return { node, lines, told }
}

function read(authority: string) {
  const parsed = parseConfiguration(readFileSync(join(authority, 'configuration.xml')), OVERLAY)
  if (!parsed.ok) throw new Error(parsed.error.reason)
  return parsed.value.configuration
}

/** What `overlay sign --bad-node` does. */
async function shutOut(authority: string, badNode: NodeId): Promise<void> {
  const crypto = new NodeCrypto()
  const before = read(authority)
  const opened = await openAuthority(authority, OVERLAY, Date.now())
  const signer = await documentSigner(crypto, opened, authority)
  await opened.close()
  const next = { ...before, sequence: nextSequence(before.sequence), badNodes: [badNode] }
  writeFileSync(join(authority, 'configuration.xml'), signedDocument(crypto, next, signer))
}

async function twoSites(name: string) {
  const authority = join(folder, `${name}-authority`)
  const copy = join(folder, `${name}-copy`)
  const first = await start(config(`${name}-1`, { authority }))
  const { address, port } = first.node.overlay.overlay
  cpSync(authority, copy, { recursive: true })
  const second = await start(
    config(`${name}-2`, { authority: copy, bootstrap: [`${address}:${port}`], standalone: true }),
  )
  return { authority, copy, first, second }
}

describe('a site with a copy of the authority', () => {
  it('S-69 keeps what a peer brings in its copy: the next start and the next sequence go on from it', async () => {
    const { authority, copy, first, second } = await twoSites('kept')
    const stranger = nodeIdFromHex('0123456789abcdef0123456789abcdef') as NodeId
    await shutOut(authority, stranger)
    first.node.reload()
    await second.told('configuration_adopted', { sequence: 1 })
    expect(read(copy)).toMatchObject({ sequence: 1, badNodes: [stranger] })
    // What is in force already is no news, and nobody is told of it.
    await first.told('configuration_adopted', { sequence: 1 })
    second.node.reload()
    expect(second.lines.filter(({ event }) => event === 'configuration_refused')).toEqual([])
    // A second document with the number of the first one is.
    const stale = join(folder, 'kept-stale')
    cpSync(copy, stale, { recursive: true })
    writeFileSync(
      join(stale, 'configuration.xml'),
      readFileSync(join(copy, 'configuration.xml'), 'utf8').replace('sequence="1"', 'sequence="0"'),
    )
    await shutOut(stale, nodeIdFromHex('fedcba9876543210fedcba9876543210') as NodeId)
    cpSync(join(stale, 'configuration.xml'), join(copy, 'configuration.xml'))
    second.node.reload()
    const { reason } = await second.told('configuration_refused')
    expect(reason).toMatch(/another document with sequence 1 is in force/)
  })
})

describe('a node that is shut out', () => {
  it('R6940-11.1-02 says so in its log and in /readyz, and its stop waits for nobody', async () => {
    const { authority, first, second } = await twoSites('shut')
    await shutOut(authority, nodeIdFromHex(second.node.nodeId) as NodeId)
    first.node.reload()
    expect(await second.told('shut_out')).toMatchObject({ level: 'error', sequence: 1 })
    await second.told('overlay_state', { state: 'left' })
    const ready = await fetch(`http://${second.node.admin}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.text()).toContain('lists its Node-ID as bad-node')
    await second.node.stop()
    running.delete(second.node)
    expect(second.lines.map(({ event }) => event)).not.toContain('leave_timed_out')
    // Started again it tells the operator at once, before anybody refuses it.
    const restarted: TraceEvent[] = []
    const settings = config('shut-2', { authority: join(folder, 'shut-copy'), bootstrap: ['127.0.0.1:1'] })
    const again = await startNode(settings, (event) => restarted.push(event))
    running.add(again)
    expect(restarted.map(({ event }) => event)).toContain('shut_out')
  })
})

describe('a document that is none', () => {
  it('S-69 is a reload that failed, of which nothing has been taken over', async () => {
    const authority = join(folder, 'none-authority')
    const { node, lines } = await start(config('none', { authority }))
    const before = readFileSync(join(authority, 'configuration.xml'))
    const accounts = readFileSync(join(folder, 'none', 'users.jsonl'), 'utf8')
    writeFileSync(join(folder, 'none', 'users.jsonl'), accounts.split('\n')[0]!)
    writeFileSync(join(authority, 'configuration.xml'), before.subarray(0, 2_000))
    expect(() => node.reload()).toThrow(/none-authority\/configuration\.xml: not a well-formed document/)
    rmSync(join(authority, 'configuration.xml'))
    expect(() => node.reload()).toThrow(/configuration\.xml: no such file/)
    const loaded = (): number => lines.filter(({ event }) => event === 'accounts_loaded').length
    const until = loaded()
    writeFileSync(join(authority, 'configuration.xml'), before)
    node.reload()
    expect([until, loaded()]).toEqual([0, 1])
  })
})
