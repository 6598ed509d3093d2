import { beforeEach, describe, expect, it } from 'vitest'
import { flowId } from '../../../src/adapter/flow-names.ts'
import { FlowPool } from '../../../src/adapter/flow-pool.ts'
import { routeAddress } from '../../../src/adapter/overlay-address.ts'
import type { AdapterParts } from '../../../src/adapter/parts.ts'
import { APPLICATION, ERROR_CODE, key, type CommandId } from '../../../src/reload/index.ts'
import {
  adapterParts,
  at,
  attaches,
  BOB,
  drained,
  nodeId,
  SELF,
  userCredential,
  flowQuestion,
} from './fixture.ts'

const FAR = nodeId(0x0b)
const ADDRESS = routeAddress([{ kind: 'node', nodeId: FAR }])

let parts: AdapterParts
let pool: FlowPool
beforeEach(() => {
  parts = adapterParts()
  pool = new FlowPool(parts)
})

function opened(
  ms: number,
  channel: number,
  over: { id?: number; application?: number; initiator?: boolean; node?: number } = {},
): void {
  pool.opened(at(ms), {
    kind: 'appFlowOpened',
    id: over.id,
    channel,
    nodeId: nodeId(over.node ?? 0x0b),
    certificate: userCredential(BOB, 0xb0).certificate,
    application: over.application ?? APPLICATION.sip,
    initiator: over.initiator ?? true,
  })
}

const CRLF = Buffer.from('\r\n')
type Actions = ReturnType<typeof drained>['all']

function pingsIn(actions: Actions): number {
  return actions.filter((action) => action.to === 'channel' && action.bytes?.length === 4).length
}

/** Until a time, or until the flow is closed; when that was. */
function run(untilMs: number, pinged: (ms: number) => void): number | undefined {
  if (pingsIn(drained(parts).all) > 0) pinged(0)
  for (;;) {
    const due = parts.deadlines.next()
    if (due > untilMs) return undefined
    const timer = parts.deadlines.pop(due)
    if (timer?.part !== 'flows') return undefined
    pool.timeout(at(due), timer.key, timer.what)
    const { all } = drained(parts)
    if (all.some((action) => action.to === 'channel' && action.bytes === undefined)) {
      expect(all).toContainEqual({ to: 'sip', input: { kind: 'flowClosed', flow: flowId(11) } })
      return due
    }
    if (pingsIn(all) > 0) pinged(due)
  }
}

describe('application flows to other nodes', () => {
  it('R7904-5.1-01 R7904-5.1-02 R7904-2-02 AppAttach goes to the list of the entry with application 5060, or 5061 for sips', () => {
    pool.open(at(0), flowQuestion(1, ADDRESS, false, 8000))
    pool.open(at(0), flowQuestion(2, ADDRESS, true, 8000))
    const commands = attaches(drained(parts).commands)
    expect(commands.map((command) => command.application)).toEqual([5060, 5061])
    expect(commands[0]?.destinations).toEqual([{ kind: 'node', nodeId: FAR }])
    expect(commands[0]?.timeoutMs).toBe(8000)
  })

  it('M-25 R7904-5.1-07 A7904-5.1-02 all users share one flow; those who ask meanwhile wait on one AppAttach', () => {
    pool.open(at(0), flowQuestion(1, ADDRESS, false, 8000))
    pool.open(at(1), flowQuestion(2, ADDRESS, false, 8000))
    const commands = attaches(drained(parts).commands)
    expect(commands).toHaveLength(1)
    opened(50, 11, { id: commands[0]!.id })
    pool.open(at(60), flowQuestion(3, ADDRESS, false, 8000))
    const { sip, commands: more } = drained(parts)
    expect(more).toEqual([])
    expect(sip[0]).toEqual({
      kind: 'peerFlowUp',
      flow: flowId(11),
      peer: key(FAR),
      secure: false,
      user: BOB,
    })
    expect(sip.slice(1)).toEqual(
      [1, 2, 3].map((id) => ({ kind: 'peerFlow', id, outcome: { ok: true, flow: flowId(11) } })),
    )
  })

  it('M-25 a flow that the far end opened serves our requests too', () => {
    opened(0, 12, { initiator: false })
    parts.outbox.drain()
    pool.open(at(10), flowQuestion(1, `node:${key(FAR)}`, false, 8000))
    expect(drained(parts).sip).toEqual([{ kind: 'peerFlow', id: 1, outcome: { ok: true, flow: flowId(12) } }])
  })

  it('sip may use a 5061 flow, sips never a 5060 one', () => {
    opened(0, 12, { application: APPLICATION.sips })
    parts.outbox.drain()
    pool.open(at(10), flowQuestion(1, ADDRESS, false, 8000))
    expect(drained(parts).sip).toMatchObject([{ outcome: { ok: true } }])
    opened(20, 14, { node: 0x0c })
    parts.outbox.drain()
    pool.open(at(30), flowQuestion(2, routeAddress([{ kind: 'node', nodeId: nodeId(0x0c) }]), true, 8000))
    expect(attaches(drained(parts).commands)).toHaveLength(1)
  })

  it('an address that leads to ourselves or nowhere is 480', () => {
    for (const address of [
      `node:${key(SELF)}`,
      'route:',
      'node:00000000000000000000000000000000',
      'what:ever',
    ]) {
      pool.open(at(0), flowQuestion(1, address, false, 8000))
      expect(drained(parts).sip).toMatchObject([{ outcome: { ok: false, status: 480 } }])
    }
  })

  it('M-16 a GRUU whose node cannot be read is 404', () => {
    for (const value of ['!!!', 'xx', 'AAAA', 'ARAAESIzRFVmd4iZqrvM3e7']) {
      pool.open(at(0), flowQuestion(1, `gr:${value}`, false, 8000))
      expect(drained(parts).sip).toMatchObject([{ outcome: { ok: false, status: 404 } }])
    }
  })

  it('Not_Found is 480 and is remembered for 30 s', () => {
    pool.open(at(0), flowQuestion(1, ADDRESS, false, 8000))
    const [command] = attaches(drained(parts).commands)
    pool.failed(at(10), command!.id, { kind: 'reload', code: ERROR_CODE.notFound, info: '' })
    expect(drained(parts).sip).toMatchObject([{ id: 1, outcome: { ok: false, status: 480 } }])
    pool.open(at(20_000), flowQuestion(2, ADDRESS, false, 8000))
    expect(drained(parts)).toMatchObject({
      commands: [],
      sip: [{ id: 2, outcome: { ok: false, status: 480 } }],
    })
    pool.open(at(31_000), flowQuestion(3, ADDRESS, false, 8000))
    expect(attaches(drained(parts).commands)).toHaveLength(1)
  })

  it('a node that was missing is asked again as soon as it stores an entry or connects to us', () => {
    const miss = (ms: number): void => {
      pool.open(at(ms), flowQuestion(1, ADDRESS, false, 8000))
      const [command] = attaches(drained(parts).commands)
      pool.failed(at(ms), command!.id, { kind: 'timeout' })
      parts.outbox.drain()
    }
    miss(1_000)
    pool.seenAlive(FAR, at(500).wall)
    pool.open(at(2_000), flowQuestion(2, ADDRESS, false, 8000))
    expect(attaches(drained(parts).commands)).toHaveLength(0)
    pool.seenAlive(FAR, at(1_500).wall)
    miss(2_000)
    opened(3_000, 12, { initiator: false })
    pool.closed(12)
    parts.outbox.drain()
    pool.open(at(4_000), flowQuestion(3, ADDRESS, false, 8000))
    expect(attaches(drained(parts).commands)).toHaveLength(1)
  })

  it('a node that was missing is asked again as soon as a link to it has come up, before its silence is told or after', () => {
    const attempt = (ms: number): CommandId | undefined => {
      pool.open(at(ms), flowQuestion(1, ADDRESS, false, 8000))
      return attaches(drained(parts).commands)[0]?.id
    }
    pool.failed(at(1_000), attempt(0)!, { kind: 'timeout' })
    expect(attempt(1_100)).toBeUndefined()
    pool.linked(FAR)
    const second = attempt(1_200)
    expect(second).toBeDefined()
    pool.linked(FAR)
    pool.failed(at(2_000), second!, { kind: 'timeout' })
    expect(attempt(2_100)).toBeDefined()
  })

  it('Forbidden is 403', () => {
    pool.open(at(0), flowQuestion(1, ADDRESS, false, 8000))
    const [command] = attaches(drained(parts).commands)
    pool.failed(at(10), command!.id, { kind: 'reload', code: ERROR_CODE.forbidden, info: '' })
    expect(drained(parts).sip).toMatchObject([{ outcome: { ok: false, status: 403 } }])
  })

  it('R7904-5.1-04 R7904-5.1-05 S-72 a far end that did not prove its Node-ID is 480 without detail', () => {
    pool.open(at(0), flowQuestion(1, ADDRESS, false, 8000))
    const [command] = attaches(drained(parts).commands)
    pool.failed(at(10), command!.id, { kind: 'link', reason: 'certificate of another node' })
    expect(drained(parts).sip).toEqual([
      { kind: 'peerFlow', id: 1, outcome: { ok: false, status: 480, reason: 'Temporarily Unavailable' } },
    ])
  })

  it('In_Progress waits 3 s for the flow of the far end and uses it', () => {
    pool.open(at(0), flowQuestion(1, ADDRESS, false, 8000))
    const [command] = attaches(drained(parts).commands)
    pool.failed(at(10), command!.id, { kind: 'reload', code: ERROR_CODE.inProgress, info: '' })
    expect(drained(parts).sip).toEqual([])
    opened(500, 20, { initiator: false })
    expect(drained(parts).sip.at(-1)).toEqual({
      kind: 'peerFlow',
      id: 1,
      outcome: { ok: true, flow: flowId(20) },
    })
  })

  it('In_Progress without a flow ends in 480 after 3 s', () => {
    pool.open(at(0), flowQuestion(1, ADDRESS, false, 8000))
    const [command] = attaches(drained(parts).commands)
    pool.failed(at(10), command!.id, { kind: 'reload', code: ERROR_CODE.inProgress, info: '' })
    expect(parts.deadlines.next()).toBe(3010)
    const timer = parts.deadlines.pop(3010)
    if (timer?.part === 'flows') pool.timeout(at(3010), timer.key, timer.what)
    expect(drained(parts).sip).toMatchObject([{ outcome: { ok: false, status: 480 } }])
  })

  it('of two flows to one node the one of the higher Node-ID stays, on both sides', () => {
    // FAR (0b..) is higher than we (0a..): its flow wins whichever comes first.
    opened(0, 31, { initiator: true })
    opened(5, 32, { initiator: false })
    parts.outbox.drain()
    pool.open(at(10), flowQuestion(1, ADDRESS, false, 8000))
    expect(drained(parts).sip).toMatchObject([{ outcome: { ok: true, flow: flowId(32) } }])
  })

  it('the other one is kept for the longest that a transaction waits, and asked like any while a call rings by it', () => {
    opened(0, 11, { initiator: true })
    run(20_000, (ms) => pool.heard(at(ms + 40), 11, CRLF))
    opened(20_000, 32, { initiator: false })
    pool.probe(at(30_000), 11)
    expect(pingsIn(drained(parts).all)).toBe(1)
    expect(run(60_000, () => undefined)).toBe(45_000)
  })

  it('the other one is closed when nothing has gone over it for so long', () => {
    opened(0, 11, { initiator: true })
    run(20_000, (ms) => pool.heard(at(ms + 40), 11, CRLF))
    opened(20_000, 32, { initiator: false })
    expect(run(60_000, () => undefined)).toBe(52_000)
  })

  it.each([
    ['opened by us', true],
    ['opened by the far end', false],
  ])(
    'A6940-6.5.2-02 R7904-5.2-01 keeps a flow alive with CRLF, and closes it when nothing else went over it for ten minutes: %s',
    (_what, initiator) => {
      opened(0, 11, { initiator })
      let pings = 0
      const closedAt = run(900_000, (ms) => {
        pings++
        pool.heard(at(ms + 40), 11, CRLF)
        pool.sent(at(ms + 40), 11, CRLF)
      })
      expect(closedAt).toBeGreaterThanOrEqual(600_000)
      expect(closedAt).toBeLessThan(750_000)
      expect(pings).toBeGreaterThanOrEqual(5)
      expect(pool.owns(11)).toBe(false)
    },
  )

  it('adapter-mapping 8.1 a flow that somebody is registered by stays open as long as that is so', () => {
    const registered = new Set([flowId(11)])
    parts = adapterParts({}, [], undefined, undefined, (flow) => registered.has(flow))
    pool = new FlowPool(parts)
    opened(0, 11, { initiator: false })
    const answer = (ms: number): void => pool.heard(at(ms + 40), 11, CRLF)
    expect(run(3_600_000, answer)).toBeUndefined()
    registered.clear()
    expect(run(3_800_000, answer)).toBeDefined()
  })

  it('R7904-5.2-02 messages in either direction are use', () => {
    opened(0, 11)
    run(400_000, (ms) => pool.heard(at(ms + 40), 11, CRLF))
    pool.heard(at(400_000), 11, Buffer.from('SIP/2.0 200 OK\r\n'))
    expect(run(990_000, (ms) => pool.heard(at(ms + 40), 11, CRLF))).toBeUndefined()
    pool.sent(at(990_000), 11, Buffer.from('BYE '))
    expect(run(1_580_000, (ms) => pool.heard(at(ms + 40), 11, CRLF))).toBeUndefined()
    expect(pool.owns(11)).toBe(true)
  })

  it('R7904-5.2-02 a peer that has answered pings and answers no more is gone: its flow is closed', () => {
    opened(0, 11)
    let answers = 2
    const closedAt = run(600_000, (ms) => {
      if (answers-- > 0) pool.heard(at(ms + 40), 11, CRLF)
    })
    // The third ping is due after 95 to 120 s twice.
    expect(closedAt).toBeGreaterThanOrEqual(205_000)
    expect(closedAt).toBeLessThanOrEqual(255_000)
  })

  it('R7904-5.2-02 … one that never did is not judged by that', () => {
    opened(0, 11)
    expect(run(590_000, () => undefined)).toBeUndefined()
  })

  it('a peer that somebody waits for is asked at once, and once until it has answered', () => {
    opened(0, 11, { initiator: false })
    pool.heard(at(5), 11, Buffer.from('\r\n\r\nINVITE '))
    parts.outbox.drain()
    pool.probe(at(1000), 11)
    pool.probe(at(2000), 11)
    expect(pingsIn(drained(parts).all)).toBe(1)
    expect(run(60_000, () => undefined)).toBe(16_000)
  })

  it('over the cap the flow unused for longest is closed', () => {
    parts = adapterParts({ flowsMax: 2 })
    pool = new FlowPool(parts)
    opened(0, 1, { node: 0x11 })
    opened(10, 2, { node: 0x12 })
    opened(20, 3, { node: 0x13 })
    expect([1, 2, 3].map((channel) => pool.owns(channel))).toEqual([false, true, true])
  })

  it.each([
    ['the far end', false],
    ['us', true],
  ])(
    'S-72 a node that opens one flow after the other does not push out the flow to another node: higher Node-ID at %s',
    (_whose, lower) => {
      parts = adapterParts({ flowsMax: 6 })
      pool = new FlowPool(parts)
      opened(0, 1, { node: 0x11 })
      const mallory = { node: lower ? 0x05 : 0x66, initiator: false }
      // Over a flow of ours it has to give way, when its Node-ID is the lower one.
      if (lower) opened(5, 3, { node: 0x05 })
      const channels = Array.from({ length: 40 }, (_, index) => 10 + 2 * index)
      for (const [index, channel] of channels.entries()) opened(10 + index, channel, mallory)
      expect(pool.owns(1)).toBe(true)
      const { all } = drained(parts)
      const kept = channels.filter((channel) => pool.owns(channel))
      expect(kept).toEqual(channels.slice(lower ? -3 : -4))
      for (const channel of channels.slice(0, -4)) {
        expect(all).toContainEqual({ to: 'channel', channel, bytes: undefined })
        expect(all).toContainEqual({ to: 'sip', input: { kind: 'flowClosed', flow: flowId(channel) } })
      }
      // The one that is used is the same as before.
      pool.open(at(100), flowQuestion(1, `node:${key(nodeId(mallory.node))}`, false, 8000))
      expect(drained(parts).sip).toMatchObject([{ outcome: { ok: true, flow: flowId(lower ? 3 : 88) } }])
    },
  )
})
