import { describe, expect, it } from 'vitest'
import {
  decodeErrorResponse,
  encodeAppAttachReqAns,
  encodeAttachReqAns,
  ERROR_CODE,
  key,
  MESSAGE_CODE,
  type PeerEvent,
} from '../../src/reload/index.ts'
import { appAttachBody, attachBody } from '../../src/reload/peer/candidates.ts'
import { ANSWERED_ATTACHES_MAX, ANSWERED_ATTACHES_PER_NODE_MAX } from '../../src/reload/peer/constants.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { Stranger } from './stranger.ts'

type Opened = Extract<PeerEvent, { kind: 'appFlowOpened' }>

function flows(peer: SimPeer): Opened[] {
  return peer.events.filter((event): event is Opened => event.kind === 'appFlowOpened')
}

describe('AppAttach in a simulated overlay', () => {
  it('R6940-6.5.2-01 R6940-6.5.2-02 R6940-5.4-01 R6940-6.5.2.2-01 R7904-5.1-03 R7904-5.1-06 opens a flow of its own that proves both ends', () => {
    const overlay = new Overlay('app')
    overlay.grow(5, 100)
    overlay.world.run(2_000)
    const [asker, , , target] = overlay.peers as [SimPeer, SimPeer, SimPeer, SimPeer]
    const command = {
      kind: 'appAttach',
      id: overlay.commands.newId(),
      destinations: [{ kind: 'node', nodeId: target.nodeId }],
      application: 5_060,
    } as const
    const linked = asker.snapshot().connections.map(({ nodeId }) => key(nodeId))
    expect(linked, 'an overlay link is there already').toContain(key(target.nodeId))
    const opened = overlay.command(asker, command, 'appFlowOpened')
    expect(key(opened.nodeId)).toBe(key(target.nodeId))
    expect(opened.initiator).toBe(true)
    overlay.world.run(500)
    const [theirs] = flows(target)
    expect(theirs).toMatchObject({ id: undefined, application: 5_060, initiator: false })
    expect(key(theirs!.nodeId)).toBe(key(asker.nodeId))
    expect(opened.channel % 2).toBe(0)
    expect(theirs!.channel % 2).toBe(1)
    // The flow is another stream than the link, which goes on as it was.
    expect(asker.snapshot().connections.map(({ nodeId }) => key(nodeId))).toEqual(linked)
    expect(asker.core.snapshot().connections).toHaveLength(linked.length)
  })

  it('several AppAttaches to one node are served one after the other', () => {
    const overlay = new Overlay('app')
    overlay.grow(4, 100)
    overlay.world.run(2_000)
    const [asker, target] = overlay.peers as [SimPeer, SimPeer]
    for (let i = 0; i < 3; i++) {
      asker.host.input({
        kind: 'appAttach',
        id: 100 + i,
        destinations: [{ kind: 'node', nodeId: target.nodeId }],
        application: i === 1 ? 5_061 : 5_060,
      })
    }
    overlay.world.run(5_000)
    expect(flows(asker).map(({ id, application }) => [id, application])).toEqual([
      [100, 5_060],
      [101, 5_061],
      [102, 5_060],
    ])
    expect(flows(target).map(({ application }) => application)).toEqual([5_060, 5_061, 5_060])
  })

  it('R7904-5.1-10 a callee serves SIP and SIPS, and refuses other applications', () => {
    const overlay = new Overlay('app')
    overlay.grow(3, 100)
    overlay.world.run(2_000)
    const [asker, target] = overlay.peers as [SimPeer, SimPeer]
    const destinations = [{ kind: 'node', nodeId: target.nodeId }] as const
    const attach = (application: number) =>
      ({ kind: 'appAttach', id: overlay.commands.newId(), destinations, application }) as const
    for (const application of [5_060, 5_061])
      expect(overlay.command(asker, attach(application), 'appFlowOpened').application).toBe(application)
    const refused = overlay.command(asker, attach(5_062), 'appAttachFailed')
    expect(refused.error).toMatchObject({ kind: 'reload', code: ERROR_CODE.notFound })
  })

  it('an AppAttach to a node that is not there fails in time', () => {
    const overlay = new Overlay('app')
    overlay.grow(3, 100)
    overlay.world.run(2_000)
    const gone = overlay.user('gone@dht.example.com').nodeId
    const command = {
      kind: 'appAttach',
      id: overlay.commands.newId(),
      destinations: [{ kind: 'node', nodeId: gone }],
      application: 5_060,
      timeoutMs: 4_000,
    } as const
    const failed = overlay.command(overlay.peers[0]!, command, 'appAttachFailed', 5_000)
    expect(failed.error.kind).toBe('timeout')
  })

  it('R6940-6.1.1-07 R6940-6.3.4-21 [node, hosted user] ends at the node, which answers as the user', () => {
    const overlay = new Overlay('app')
    const alice = overlay.user('alice@dht.example.com')
    overlay.start()
    overlay.start({ hosted: [alice] })
    expect(overlay.settled()).toBe(true)
    overlay.world.run(2_000)
    const [asker, gateway] = overlay.peers as [SimPeer, SimPeer]
    const command = {
      kind: 'ping',
      id: overlay.commands.newId(),
      destinations: [
        { kind: 'node', nodeId: gateway.nodeId },
        { kind: 'node', nodeId: alice.nodeId },
      ],
    } as const
    const { outcome } = overlay.command(asker, command, 'pingDone')
    expect(outcome.ok && key(outcome.value.responder)).toBe(key(alice.nodeId))
  })

  it.each(['appAttachReq', 'attachReq'] as const)(
    'S-71 S-72 %s to listeners at which nobody answers take a few places of those for channels being opened, and others are served all the same',
    (method) => {
      const overlay = new Overlay('app')
      overlay.grow(3, 100)
      overlay.world.run(2_000)
      const [asker, target] = overlay.peers as [SimPeer, SimPeer]
      const mallory = new Stranger(overlay, target, overlay.user('mallory@dht.example.com'))
      const destinations = [{ kind: 'node', nodeId: target.nodeId }] as const
      const ids = Array.from({ length: ANSWERED_ATTACHES_MAX + 20 }, (_, index) => {
        const hole = { address: '10.250.0.1', port: 1_000 + index }
        overlay.network.attach({
          name: `hole ${index}`,
          addresses: { overlay: hole, application: { ...hole, address: '10.250.0.2' } },
          certificates: [],
          input: () => undefined,
        })
        overlay.network.cutOneWay([target.name], [`hole ${index}`])
        const body =
          method === 'attachReq'
            ? encodeAttachReqAns(attachBody(hole, 'passive', false))
            : encodeAppAttachReqAns(appAttachBody(hole, 'passive', 5_060))
        return mallory.send({ code: MESSAGE_CODE[method], body, destinations })
      })
      overlay.world.run(100)
      const answers = mallory.received.filter(({ header }) => ids.includes(header.transactionId))
      expect(answers).toHaveLength(ids.length)
      const errors = answers.filter(({ contents }) => contents.messageCode === MESSAGE_CODE.error)
      expect(answers.length - errors.length).toBe(ANSWERED_ATTACHES_PER_NODE_MAX)
      const [refusal] = errors.map(({ contents }) => decodeErrorResponse(contents.body))
      expect(refusal?.ok === true && refusal.value.errorCode).toBe(ERROR_CODE.inProgress)
      const id = overlay.commands.newId()
      const call = { kind: 'appAttach', id, destinations, application: 5_060 } as const
      expect(overlay.command(asker, call, 'appFlowOpened').application).toBe(5_060)
      const joiner = overlay.start({ bootstrap: [target.address] })
      expect(overlay.settled(), joiner.state).toBe(true)
      overlay.world.run(60_000)
      const [last] = mallory.answers(
        mallory.send({
          code: MESSAGE_CODE.appAttachReq,
          body: encodeAppAttachReqAns(appAttachBody({ address: '10.250.0.1', port: 1 }, 'passive', 5_060)),
          destinations,
        }),
      )
      expect(last?.contents.messageCode, 'afterwards it goes on').toBe(MESSAGE_CODE.appAttachAns)
    },
  )
})
