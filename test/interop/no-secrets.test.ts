import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { keysIn, leaks, planted, plantedInvite, type Planted } from './support/planted-secrets.ts'
import { Running } from './support/processes.ts'
import { SIP_SECRET, TalkativeNode } from './support/talkative-node.ts'
import { COMMAND } from './support/testbed.ts'

const DOMAIN = 'secrets.example.com'

const nodes: TalkativeNode[] = []
const phones: Running[] = []
afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.stop('SIGKILL')
  for (const node of nodes.splice(0).reverse()) await node.stop()
})

async function start(folder: string, name: string, joins?: TalkativeNode): Promise<TalkativeNode> {
  const node = await TalkativeNode.start({
    domain: DOMAIN,
    folder,
    name,
    ...(joins === undefined ? {} : { joins }),
  })
  nodes.push(node)
  return node
}

function phone(node: TalkativeNode, verb: string, who: string, password: string, ...rest: string[]): Running {
  const run = new Running(process.execPath, [
    ...[COMMAND, 'phone', verb, `${who}@${DOMAIN}`, ...rest],
    ...['--server', `127.0.0.1:${node.sip}`, '--password', password],
  ])
  phones.push(run)
  return run
}

async function answering(node: TalkativeNode, who: string, password: string, calls: number): Promise<void> {
  const run = phone(node, 'answer', who, password, '--calls', String(calls), '--seconds', '150')
  await run.line((line) => line.includes('status=200'), 'registered')
}

/** Whatever all these nodes know and may not say. */
function secretsOf(all: readonly TalkativeNode[], more: Planted, others: readonly string[]): string[] {
  const hashes = all.flatMap(({ data }) => {
    const found = readFileSync(join(data, 'users.jsonl'), 'utf8').match(/[0-9a-f]{32,64}/g) ?? []
    expect(found.length).toBeGreaterThanOrEqual(1)
    return found
  })
  const keys = all.flatMap(({ data }) => keysIn(data))
  expect(keys.length).toBeGreaterThanOrEqual(all.length)
  const tokens = all.map(({ token }) => token)
  return [...Object.values(more), ...others, SIP_SECRET, ...tokens, ...hashes, ...keys]
}

describe('secrets', () => {
  it('stand in no log line, API answer, page, trace, HEP packet or metric of a node that has seen them all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-secrets-'))
    const secrets = planted()
    const { password } = secrets
    const wrong = `wrong-${randomBytes(12).toString('hex')}`
    const node = await start(folder, 'node')
    for (const username of ['carol', 'dave']) await node.account(username, password)
    await answering(node, 'dave', password, 1)
    expect(await phone(node, 'call', 'carol', password, 'dave', '--seconds', '0').exit()).toBe(0)
    expect(await phone(node, 'register', 'carol', wrong).exit()).toBe(1)
    const call = { port: node.sip, domain: DOMAIN, from: 'carol', to: 'dave' }
    expect(await plantedInvite(call, secrets)).toMatch(/^SIP\/2\.0 [24]/)
    await node.fetched('/api/v1/peer', { headers: { authorization: `Bearer ${wrong}` } })
    await node.everything(`dave@${DOMAIN}`)
    await node.stop()
    expect(node.packets.length).toBeGreaterThan(10)
    const all = secretsOf([node], secrets, [wrong])
    for (const [place, text] of node.said()) expect(leaks(text, all), place).toEqual([])
    rmSync(folder, { recursive: true, force: true })
  })

  it('stand nowhere either when calls with them cross nodes: what one node tells another of a call is covered, and nobody shows what it was told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-secrets-'))
    const secrets = planted()
    const { password } = secrets
    const first = await start(folder, 'first')
    const second = await start(folder, 'second', first)
    const third = await start(folder, 'third', first)
    await first.account('carol', password)
    await second.account('dave', password)
    await third.account('erin', password)
    await answering(second, 'dave', password, 9)
    expect(await phone(first, 'call', 'carol', password, 'dave', '--seconds', '0').exit()).toBe(0)
    expect(await phone(third, 'call', 'erin', password, 'dave', '--seconds', '0').exit()).toBe(0)
    expect(await phone(first, 'message', 'carol', password, 'dave', 'hello').exit()).toBe(0)
    const call = { port: first.sip, domain: DOMAIN, from: 'carol', to: 'dave' }
    expect(await plantedInvite(call, secrets)).toMatch(/^SIP\/2\.0 200/)
    // Every node is asked for everything, which has it ask the others for their part of each call.
    for (const node of nodes) await node.everything(`dave@${DOMAIN}`)
    const asked = [first, second].map((node) =>
      node.answers.find((answer) => answer.startsWith('/api/v1/traces/planted?format=json')),
    )
    for (const answer of asked) {
      const { parts, events } = JSON.parse(answer?.slice(answer.indexOf(' {')) ?? '') as {
        parts: { ok: boolean }[]
        events: { node: string; message?: string }[]
      }
      // The third one too, when a lookup went by way of it.
      expect(parts.every(({ ok }) => ok) && parts.length > 0).toBe(true)
      // The leg to the other phone is known from the other node, with its text.
      const invites = events.filter(({ message }) => message?.startsWith('INVITE') === true)
      expect(new Set(invites.map(({ node }) => node)).size).toBe(2)
    }
    const all = secretsOf(nodes, secrets, [])
    const stopped = [...nodes]
    for (const node of stopped.toReversed()) await node.stop()
    for (const node of stopped) {
      expect(node.packets.length).toBeGreaterThan(3)
      for (const [place, text] of node.said())
        expect(leaks(text, all), `${place} of ${node.data}`).toEqual([])
    }
    rmSync(folder, { recursive: true, force: true })
  })
})
