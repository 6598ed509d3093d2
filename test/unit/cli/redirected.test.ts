import type { Response } from 'sip'
import { describe, expect, it } from 'vitest'
import { follow, type Goal } from '../../../src/cli/phone/redirected.ts'

const FIRST: Goal = { uri: 'sip:bob@example.com', route: [{ uri: 'sip:192.0.2.1;lr', params: {} }] }

function response(status: number, contacts: readonly [uri: string, q?: string][] = []): Response {
  const contact = contacts.map(([uri, q]) => ({ uri, params: q === undefined ? {} : { q } }))
  return { status, reason: 'x', headers: { contact } as unknown as Response['headers'] }
}

/** The way of a request to which `answers` come by turns; undefined: nobody answers. */
async function wayOf(
  answers: readonly (Response | undefined)[],
  transport: 'udp' | 'tcp' | 'tls' = 'udp',
): Promise<{ readonly goals: readonly Goal[]; readonly last: number; readonly progress: readonly number[] }> {
  const left = [...answers]
  const goals: Goal[] = []
  const progress: number[] = []
  const { status } = await follow(
    FIRST,
    transport,
    (goal) => {
      goals.push(goal)
      const next = left.shift()
      return next === undefined ? Promise.reject(new Error('silence')) : Promise.resolve(next)
    },
    (each) => progress.push(each.status),
  )
  return { goals: goals.slice(1), last: status, progress }
}

describe('test phone, redirected', () => {
  it('goes to the Contacts by q, until one accepts', async () => {
    const way = await wayOf([
      response(302, [
        ['sip:bob@192.0.2.7:5070', '0.3'],
        ['sip:bob@192.0.2.8?Subject=x', '0.9'],
        ['sip:c@192.0.2.9'],
      ]),
      response(486),
      undefined,
      response(200),
    ])
    expect(way.goals).toEqual([
      { uri: 'sip:c@192.0.2.9', route: [] },
      { uri: 'sip:bob@192.0.2.8', route: [] },
      { uri: 'sip:bob@192.0.2.7:5070', route: [] },
    ])
    expect(way.last).toBe(200)
    expect(way.progress).toEqual([302, 486])
  })

  it('goes to UDP from TCP and to TCP from UDP', async () => {
    for (const [own, other] of [
      ['udp', 'tcp'],
      ['tcp', 'udp'],
    ] as const) {
      const uri = `sip:b@192.0.2.7;transport=${other}`
      expect((await wayOf([response(302, [[uri]]), response(200)], own)).goals).toEqual([{ uri, route: [] }])
    }
  })

  it('M-27 goes by the proxy that maddr names, and by that of a 305 with the same address', async () => {
    const maddr = 'sip:bob@example.com:5070;maddr=192.0.2.7;transport=udp'
    const route = [{ uri: 'sip:192.0.2.7:5070;transport=udp;lr', params: {} }]
    expect((await wayOf([response(302, [[maddr]]), response(200)])).goals).toEqual([{ uri: maddr, route }])
    const usual = 'sip:bob@example.com;maddr=192.0.2.7;transport=tcp'
    expect((await wayOf([response(302, [[usual]]), response(200)])).goals).toEqual([
      { uri: usual, route: [{ uri: 'sip:192.0.2.7;transport=tcp;lr', params: {} }] },
    ])
    const proxy = 'sip:192.0.2.7:5070;transport=udp;lr'
    expect((await wayOf([response(305, [[proxy]]), response(200)])).goals).toEqual([
      { uri: FIRST.uri, route },
    ])
  })

  it('stays where it is with nowhere to go: other transports, other schemes, TLS, a circle', async () => {
    const elsewhere = response(302, [['sip:b@192.0.2.7;transport=sctp'], ['sips:b@192.0.2.7'], ['tel:+1']])
    expect(await wayOf([elsewhere])).toEqual({ goals: [], last: 302, progress: [] })
    expect((await wayOf([response(302, [['sip:b@192.0.2.7']])], 'tls')).last).toBe(302)
    const circle = response(302, [['sip:b@192.0.2.7']])
    expect(await wayOf([circle, circle])).toMatchObject({ last: 302, progress: [302] })
    const many = Array.from({ length: 30 }, (_, i) => response(302, [[`sip:b${i}@192.0.2.7`]]))
    expect((await wayOf(many)).goals).toHaveLength(10)
  })

  it('a refusal for all ends it, and silence at the last goal is silence', async () => {
    const two = response(302, [['sip:b@192.0.2.7'], ['sip:c@192.0.2.7']])
    expect(await wayOf([two, response(603)])).toMatchObject({ last: 603, goals: [{}] })
    await expect(wayOf([two, undefined, undefined])).rejects.toThrow('silence')
  })
})
