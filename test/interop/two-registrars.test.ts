import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DoublePhone, type Rung } from './support/double-phone.ts'
import { eventually } from './support/eventually.ts'
import { Running } from './support/processes.ts'
import { COMMAND, DOMAIN, Testbed, user } from './support/testbed.ts'

/** The phone's next call, from whichever peer. */
async function nextCall(phone: DoublePhone, after: number): Promise<Rung> {
  const call = await phone.watched.until(() => phone.rung[after], 20_000)
  if (call === undefined) throw new Error(`${phone.user} is not called`)
  return call
}

/** A process that starts may wait for its turn on a busy machine. */
const START_WITHIN_MS = 120_000
const RESTARTS_WITHIN_MS = 600_000

async function ended(pid: number): Promise<void> {
  await eventually(`process ${pid} has ended`, () => {
    try {
      process.kill(pid, 0)
      return Promise.resolve(false)
    } catch {
      return Promise.resolve(true)
    }
  })
}

describe('one of the two peers that a phone is registered with is killed', () => {
  let testbed: Testbed
  const phones: DoublePhone[] = []
  beforeAll(async () => {
    testbed = await Testbed.start(['--peers', '4', '--users', '4', '--base-port', '24600'])
  })
  afterAll(async () => {
    for (const phone of phones) phone.close()
    await testbed.stop()
  })

  async function phone(number: number, ...peers: readonly number[]): Promise<DoublePhone> {
    const opened = await DoublePhone.open(
      user(number),
      DOMAIN,
      peers.map((peer) => testbed.peer(peer).sip),
    )
    phones.push(opened)
    expect(await opened.register()).toEqual(peers.map(() => 200))
    return opened
  }

  /** Kills the peer that has that SIP address; the number of the other of the two. */
  async function kill(sip: string, two: readonly [number, number]): Promise<number> {
    const [a, b] = two
    const [dead, other] = testbed.peer(a).sip === sip ? [a, b] : [b, a]
    expect(testbed.peer(dead).sip).toBe(sip)
    const { pid } = testbed.peer(dead)
    process.kill(pid, 'SIGKILL')
    await ended(pid)
    return other
  }

  it('M-31 R-07 while idle, while people talk: it rings once, they can hang up, and the next call comes by the other', async () => {
    const caller = await phone(0, 0)
    const talking = await phone(1, 1, 2)
    const talk = await caller.call(talking.user)
    expect(talk.status).toBe(200)
    expect(talking.rung.length).toBe(1)
    const left = await kill(talking.rung[0]?.by ?? '', [1, 2])
    // The route of the call names the dead peer: the other one that has the phone stands in for it (docs/adr/0024).
    expect(await talk.hangUp()).toBe(200)
    expect(talking.rung[0]?.ended).toBe('hungUp')
    const idle = await phone(2, left, 3)
    for (const [number, called] of [talking, idle].entries()) {
      expect((await caller.call(called.user)).status).toBe(200)
      expect(called.rung.length).toBe(2 - number)
    }
    expect(talking.rung.at(-1)?.by).toBe(testbed.peer(left).sip)

    idle.answersAfterMs = undefined
    const broken = caller.call(idle.user)
    const ringing = await nextCall(idle, 1)
    const last = await kill(ringing.by, [left, 3])
    idle.answersAfterMs = 50
    // The same call by the other peer: to this phone it is another one.
    expect((await nextCall(idle, 2)).by).toBe(testbed.peer(last).sip)
    expect([200, 408, 480]).toContain((await broken).status)
    expect((await caller.call(idle.user)).status).toBe(200)
    expect(idle.rung.at(-1)?.by).toBe(testbed.peer(last).sip)
  })
})

describe('three peers are restarted one after the other', () => {
  let testbed: Testbed
  const phones: DoublePhone[] = []
  const started: Running[] = []
  beforeAll(async () => {
    testbed = await Testbed.start(['--peers', '3', '--users', '6', '--base-port', '24700'])
  })
  afterAll(async () => {
    for (const phone of phones) phone.close()
    for (const node of started) await node.stop()
    await testbed.stop()
  })

  it(
    'R-05 R-07 under calls of phones with two registrars: no call fails to be set up, and no AOR is lost',
    async () => {
      const state = { over: false }
      for (let number = 0; number < 6; number++) {
        const two = [number % 3, (number + 1) % 3].map((peer) => testbed.peer(peer).sip)
        const phone = await DoublePhone.open(user(number), DOMAIN, two)
        phones.push(phone)
        expect(await phone.register()).toEqual([200, 200])
      }
      const staying = phones.map((phone) => phone.stayRegistered(2_000, () => state.over))
      const failures: string[] = []
      let made = 0
      // Every phone calls the one after it, again and again.
      const calling = phones.map(async (phone, index) => {
        const callee = phones[(index + 1) % phones.length]
        if (callee === undefined) throw new RangeError('no callee')
        while (!state.over) {
          const call = await phone.call(callee.user)
          made++
          if (call.status !== 200)
            failures.push(`${phone.user} to ${callee.user}: ${call.attempts.join(', ')}`)
          else void call.hangUp()
          await phone.watched.until(() => (state.over ? true : undefined), 300)
        }
      })
      try {
        for (let index = 0; index < 3; index++) {
          const peer = testbed.peer(index)
          const before = made
          process.kill(peer.pid, 'SIGTERM')
          await ended(peer.pid)
          const config = `${testbed.folder}/peer-${index}/config.yaml`
          const node = new Running(process.execPath, [COMMAND, 'start', '--config', config])
          started.push(node)
          await node.line((line) => line.includes('"event":"ready"'), 'ready', START_WITHIN_MS)
          expect(made, 'calls went on').toBeGreaterThan(before)
          for (const phone of phones)
            await eventually(
              `${phone.user} is known everywhere, by two peers`,
              async () => {
                const counts = await Promise.all(
                  testbed.peers.map((_, at) => entriesOf(testbed, at, phone.user)),
                )
                return counts.every((count) => count === 2)
              },
              START_WITHIN_MS,
            )
          expect(failures).toEqual([])
        }
      } finally {
        state.over = true
        for (const phone of phones) phone.watched.wake()
        await Promise.all([...staying, ...calling])
      }
      expect(failures).toEqual([])
    },
    RESTARTS_WITHIN_MS,
  )
})

async function entriesOf(testbed: Testbed, at: number, name: string): Promise<number> {
  const location = (await testbed.api(at, `/api/v1/locate?aor=${name}@${DOMAIN}`)) as { entries: unknown[] }
  return location.entries.length
}
