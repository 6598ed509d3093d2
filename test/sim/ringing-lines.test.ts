/** Calls that ring while the flow between their peers breaks, as routers that start anew break it (docs/adr/0035). */
import { describe, expect, it } from 'vitest'
import { Nodes } from './nodes.ts'
import type { Exchange, SimPhone } from './phones.ts'

interface Stage {
  readonly nodes: Nodes
  readonly caller: SimPhone
  readonly callee: SimPhone
  readonly call: Exchange
}

function ringing(seed: string, afterMs: number): Stage {
  const nodes = new Nodes(seed).users(3).grow(3)
  const caller = nodes.registered('u1', 1)
  const callee = nodes.registered('u2', 2)
  callee.manner = { kind: 'answer', afterMs }
  const call = caller.call(callee.aor)
  nodes.until('ringing', () => call.statuses.includes(180))
  return { nodes, caller, callee, call }
}

/** The flow breaks as the INVITE gets to the phone, before the caller's peer has heard of it. */
function unheard(seed: string, afterMs: number): Stage & { readonly broken: () => boolean } {
  const nodes = new Nodes(seed).users(3).grow(3)
  const caller = nodes.registered('u1', 1)
  const callee = nodes.registered('u2', 2)
  callee.manner = { kind: 'answer', afterMs }
  let broken = false
  nodes.lan.watch((_from, to, bytes) => {
    const invited = to.host === callee.host && Buffer.from(bytes).toString('latin1').startsWith('INVITE')
    if (invited && !broken) nodes.network.reset('n1', 'n2')
    broken ||= invited
  })
  return { nodes, caller, callee, call: caller.call(callee.aor), broken: () => broken }
}

function breaks({ nodes }: Stage): void {
  nodes.network.reset('n1', 'n2')
  nodes.world.run(3_000)
}

describe('while a call rings its flow between two peers breaks', () => {
  it.each([1, 3])(
    'adapter-mapping 7.2 the phone is answered, and says what it has to say; %i times',
    (times) => {
      const stage = ringing(`answered ${times}`, 15_000)
      const { nodes, caller, callee, call } = stage
      for (let time = 0; time < times; time++) breaks(stage)
      expect(call.done).toBe(false)
      expect(nodes.finished(call), nodes.replay()).toBe(200)
      expect(callee.rung.map(({ status }) => status)).toEqual([200])
      expect(nodes.finished(caller.bye(call.dialog!))).toBe(200)
    },
  )

  it('adapter-mapping 7.2 the caller gives up: the phone is silent again', () => {
    const stage = ringing('given up', 100_000)
    const { nodes, caller, callee, call } = stage
    breaks(stage)
    caller.cancel(call)
    expect(nodes.finished(call), nodes.replay()).toBe(487)
    expect(callee.rung.map(({ status, cancelled }) => [status, cancelled])).toEqual([[487, true]])
  })

  it('adapter-mapping 7.2 the caller gives up while it is being opened again', () => {
    const { nodes, caller, callee, call } = ringing('given up meanwhile', 100_000)
    nodes.network.reset('n1', 'n2')
    caller.cancel(call)
    expect(nodes.finished(call), nodes.replay()).toBe(487)
    expect(callee.rung.map(({ status }) => status)).toEqual([487])
  })

  it('adapter-mapping 7.2 the phone answers at that very moment', () => {
    const { nodes, callee, caller, call } = ringing('at once', 5_000)
    let broken = false
    nodes.lan.watch((from, _to, bytes) => {
      const answers =
        from.host === callee.host && Buffer.from(bytes).toString('latin1').startsWith('SIP/2.0 200')
      if (answers && !broken) nodes.network.reset('n1', 'n2')
      broken ||= answers
    })
    expect(nodes.finished(call), nodes.replay()).toBe(200)
    expect(callee.rung.map(({ status }) => status)).toEqual([200])
    expect(nodes.finished(caller.bye(call.dialog!))).toBe(200)
  })

  it('adapter-mapping 7.2 before it is known to ring: it rings once', () => {
    const { nodes, callee, call } = unheard('before', 5_000)
    expect(nodes.finished(call), nodes.replay()).toBe(200)
    expect(callee.rung.map(({ status }) => status)).toEqual([200])
  })

  it.each([0, 20])('adapter-mapping 7.2 … and its caller gives up %i ms later: it is silent', (afterMs) => {
    const { nodes, caller, callee, call, broken } = unheard('before, given up', 100_000)
    nodes.until('broken', broken)
    nodes.world.run(afterMs)
    caller.cancel(call)
    expect(nodes.finished(call), nodes.replay()).toBe(487)
    nodes.world.run(3_000)
    expect(callee.rung.map(({ status }) => status)).toEqual([487])
  })

  it('adapter-mapping 7.2 the other peer is gone: the caller hears it soon', () => {
    const { nodes, call } = ringing('gone', 100_000)
    const at = nodes.world.now.ms
    nodes.crash(nodes.node(2))
    expect(nodes.finished(call), nodes.replay()).toBe(408)
    expect(call.endedAt! - at).toBeLessThan(10_000)
  })

  it('adapter-mapping 7.2 the other peer began anew: the phone rings again as soon as it has registered', () => {
    const { nodes, call, callee } = ringing('anew', 4_000)
    nodes.crash(nodes.node(2))
    nodes.restart(nodes.node(2))
    expect([200, 408, 480]).toContain(nodes.finished(call))
    expect(callee.rung.length).toBeLessThan(3)
  })

  it.each([false, true])(
    'the caller’s peer is gone (silently: %s): the phone does not ring for nobody',
    (silently) => {
      const { nodes, callee } = ringing(`origin gone ${silently}`, 170_000)
      // By then each knows that the other answers pings.
      nodes.world.run(2_000)
      nodes.crash(nodes.node(1), silently)
      nodes.world.run(90_000)
      expect(
        callee.rung.map(({ status, cancelled }) => [status, cancelled]),
        nodes.replay(),
      ).toEqual([[487, true]])
    },
  )

  it.each([500, 3_000, 9_000])(
    'the caller’s peer is killed and begins anew %i ms later: it knows nothing of the call, and the phone does not ring for nobody',
    (afterMs) => {
      const { nodes, callee } = ringing(`origin anew ${afterMs}`, 170_000)
      nodes.crash(nodes.node(1))
      nodes.world.run(afterMs)
      nodes.restart(nodes.node(1))
      nodes.world.run(50_000)
      expect(
        callee.rung.map(({ status, cancelled }) => [status, cancelled]),
        nodes.replay(),
      ).toEqual([[487, true]])
    },
  )

  it('the peers cannot reach one another any more: neither end waits for the other', () => {
    const { nodes, callee, call } = ringing('parted', 170_000)
    nodes.world.run(2_000)
    nodes.network.partition(['n1'], ['n2'])
    nodes.world.run(90_000)
    expect(call.status, nodes.replay()).toBe(408)
    expect(callee.rung.map(({ status }) => status)).toEqual([487])
  })
})

describe('while a call rings at two phones of a user one of them loses its connection', () => {
  const twoPhones = (seed: string): Stage & { readonly desk: SimPhone } => {
    const nodes = new Nodes(seed).users(3).grow(3)
    const caller = nodes.registered('u1', 1)
    const callee = nodes.registered('u2', 2, { transport: 'tcp' })
    const desk = nodes.registered('u2', 2)
    callee.manner = { kind: 'answer', afterMs: 30_000 }
    desk.manner = { kind: 'ring' }
    const call = caller.call(callee.aor)
    nodes.until('ringing', () => callee.rung.length + desk.rung.length === 2)
    return { nodes, caller, callee, desk, call }
  }
  /** It takes none itself, though its Contact looks like that. */
  const back = ({ nodes, callee }: Stage, afterMs: number): void => {
    callee.drop()
    nodes.world.run(afterMs)
    callee.register()
    nodes.world.run(1_000)
  }

  it.each([0, 4_000])('S3261-16.5-04 it is answered when it is back after %i ms, three times', (afterMs) => {
    const stage = twoPhones(`answered ${afterMs}`)
    const { nodes, callee, desk, call } = stage
    for (let time = 0; time < 3; time++) back(stage, afterMs)
    expect(nodes.finished(call), nodes.replay()).toBe(200)
    expect(callee.rung.map(({ status }) => status)).toEqual([200])
    expect(desk.rung.map(({ status, cancelled }) => [status, cancelled])).toEqual([[487, true]])
  })

  it.each([0, 4_000])('S3261-16.10-01 it is silent when the caller gives up: back after %i ms', (afterMs) => {
    const stage = twoPhones(`given up ${afterMs}`)
    const { nodes, caller, callee, call } = stage
    back(stage, afterMs)
    caller.cancel(call)
    expect(nodes.finished(call), nodes.replay()).toBe(487)
    expect(callee.rung.map(({ status, cancelled }) => [status, cancelled])).toEqual([[487, true]])
  })
})
