import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TraceView, TracesView } from '../../src/admin/answers.ts'
import { Running } from './support/processes.ts'
import { COMMAND, DOMAIN, Testbed, user } from './support/testbed.ts'

/** Steps of SIP in a ladder that go from column to column, as `INVITE phone>node`. */
function steps(view: TraceView): { label: string; way: string; offsetMs: number }[] {
  const { columns, rows } = view.ladder
  const nameOf = (index: number | undefined): string => {
    const column = columns[index ?? -1]
    return column?.isNode === true ? column.id.slice('node '.length) : 'phone'
  }
  return rows
    .filter(({ kind }) => kind === 'sip')
    .map(({ label, stops, offsetMs }) => ({
      label: /^SIP\/2\.0 (\d+)/.exec(label)?.[1] ?? label.split(' ')[0] ?? '',
      way: `${nameOf(stops[0])}>${nameOf(stops.at(-1))}`,
      offsetMs,
    }))
}

describe('the trace of a call, gathered between real nodes', () => {
  let testbed: Testbed
  let callId = ''
  const phones: Running[] = []

  const ringbridge = async (...args: string[]): Promise<{ code: number; output: string }> => {
    const run = new Running(process.execPath, [COMMAND, ...args])
    return { code: await run.exit(), output: run.output }
  }
  const phone = (verb: string, number: number, peer: number, ...rest: string[]): Running => {
    const run = new Running(process.execPath, [
      ...[COMMAND, 'phone', verb, `${user(number)}@${DOMAIN}`, ...rest],
      ...['--server', testbed.peer(peer).sip, '--password', `pw-${user(number)}`],
    ])
    phones.push(run)
    return run
  }
  const traceAt = async (peer: number, ...flags: string[]): Promise<TraceView> => {
    const { admin } = testbed.peer(peer)
    const { code, output } = await ringbridge('trace', callId, '--admin', admin, '--json', ...flags)
    expect(code, output).toBe(0)
    return JSON.parse(output) as TraceView
  }

  beforeAll(async () => {
    testbed = await Testbed.start(['--peers', '3', '--users', '4', '--base-port', '23700'])
    const callee = phone('answer', 2, 1, '--calls', '3', '--seconds', '150')
    await callee.line((line) => line.includes('status=200'), 'registered')
    const calling = phone('call', 1, 0, user(2), '--seconds', '0')
    expect(await calling.exit(), calling.output).toBe(0)
    const { code, output } = await ringbridge('trace', '--admin', testbed.peer(0).admin, '--json')
    expect(code, output).toBe(0)
    const { traces } = JSON.parse(output) as TracesView
    callId = traces.find(({ method }) => method === 'INVITE')?.callId ?? ''
    expect(callId).not.toBe('')
  })
  afterAll(async () => {
    for (const each of phones) await each.stop('SIGKILL')
    await testbed.stop()
  })

  it('goes from phone to phone in the order in which things happened, whichever of the two nodes is asked', async () => {
    const [near, far] = [testbed.peer(0).nodeId, testbed.peer(1).nodeId]
    const way = { out: ['phone>' + near, `${near}>${far}`, `${far}>phone`], back: [] as string[] }
    way.back = [`phone>${far}`, `${far}>${near}`, `${near}>phone`]
    for (const peer of [0, 1]) {
      const view = await traceAt(peer)
      const asked = view.parts.find(({ node }) => node === (peer === 0 ? far : near))
      expect(asked, JSON.stringify(view.parts)).toMatchObject({ ok: true })
      for (const { at, endAt, label } of view.events) expect(endAt ?? at, label).toBeGreaterThanOrEqual(at)
      const all = steps(view)
      for (const [index, { offsetMs }] of all.entries())
        expect(offsetMs).toBeGreaterThanOrEqual(all[index - 1]?.offsetMs ?? 0)
      const waysOf = (label: string): string[] =>
        all.filter((step) => step.label === label).map((step) => step.way)
      // The first INVITE is challenged; the second goes all the way, and what comes back takes it in reverse.
      expect(waysOf('INVITE'), `INVITE seen from peer ${peer}`).toEqual([way.out[0], ...way.out])
      for (const label of ['ACK', 'BYE']) expect(waysOf(label).slice(-3), label).toEqual(way.out)
      expect(all.filter((step) => step.label === '180').map((step) => step.way)).toEqual(way.back)
      // 180 and 200 may overlap on their way; first the answer to the INVITE, then that to the BYE.
      expect(waysOf('200')).toEqual([...way.back, ...way.back])
      // Nothing follows from what has not come yet: the far node sends on what it has got, and answers after that.
      const at = (label: string, hop: string): number =>
        all.findLastIndex((step) => step.label === label && step.way === hop)
      expect(at('INVITE', way.out[1] as string)).toBeLessThan(at('INVITE', way.out[2] as string))
      expect(at('INVITE', way.out[2] as string)).toBeLessThan(at('180', way.back[0] as string))
    }
  })

  it('names the overlay’s part at the node that looked the callee up', async () => {
    const { events } = await traceAt(0)
    const kinds = new Set(events.map(({ kind }) => kind))
    for (const kind of ['lookup', 'flow'] as const) expect(kinds).toContain(kind)
    const lookup = events.find(({ kind }) => kind === 'lookup')
    expect(lookup?.label).toContain(`${user(2)}@${DOMAIN}`)
    expect(lookup?.endAt ?? 0).toBeLessThanOrEqual(
      events.findLast(
        ({ label, from, to }) =>
          label.startsWith('INVITE') && from.startsWith('node') && to.startsWith('node'),
      )?.at ?? 0,
    )
  })

  it('as text has a lane for each of the four, and the other clock put right; alone it has what one node saw', async () => {
    const { admin, nodeId } = testbed.peer(0)
    const far = testbed.peer(1).nodeId
    const whole = await ringbridge('trace', callId, '--admin', admin)
    expect(whole.code, whole.output).toBe(0)
    for (const text of [nodeId.slice(0, 8), far.slice(0, 8), user(1), user(2), 'its clock put right by'])
      expect(whole.output).toContain(text)
    const local = await traceAt(0, '--local')
    expect(local.parts).toEqual([])
    expect(new Set(local.events.map(({ node }) => node))).toEqual(new Set([nodeId]))
    expect(steps(local).some(({ way }) => way === `${far}>phone`)).toBe(false)
  })

  it('is not told by a node that took no part, and of a call that never was there is none', async () => {
    for (const id of [callId, 'never@was']) {
      const { code, output } = await ringbridge('trace', id, '--admin', testbed.peer(2).admin)
      // A peer that stores the callee's entry carried no SIP.
      expect(code, output).toBe(1)
      expect(output).toContain('no trace of that Call-ID')
    }
  })
})
