import { describe, expect, it } from 'vitest'
import { Queries } from '../../../src/adapter/queries.ts'
import { key, resourceIdOf } from '../../../src/reload/index.ts'
import { utf8 } from '../../../src/common/bytes.ts'
import {
  adapterParts,
  at,
  BOB,
  crypto,
  drained,
  fetches,
  found as foundOf,
  nodeId,
  registered,
  userCredential,
} from './fixture.ts'

const MINUTE = 60_000

describe('a ping that a person asks for', () => {
  const asked = (nodeId: string): ReturnType<typeof drained> => {
    const parts = adapterParts()
    new Queries(parts).ask(at(0), 7, { kind: 'ping', nodeId })
    return drained(parts)
  }

  it('goes to the node', () => {
    const { commands } = asked('0b'.repeat(16))
    expect(commands).toMatchObject([{ kind: 'ping', destinations: [{ kind: 'node' }] }])
  })

  it.each(['00'.repeat(16), 'ff'.repeat(16), '0b'.repeat(15), '0b'.repeat(20), 'zz'.repeat(16), ''])(
    'is refused for what names no node: %s',
    (nodeId) => {
      const { all } = asked(nodeId)
      expect(all).toEqual([
        {
          to: 'shell',
          action: { kind: 'answer', id: 7, answer: { kind: 'failed', reason: `not a Node-ID: ${nodeId}` } },
        },
      ])
    },
  )
})

describe('where a user is looked for', () => {
  const resource = (aor: string): Uint8Array | undefined => {
    const parts = adapterParts()
    new Queries(parts).ask(at(0), 7, { kind: 'locate', aor })
    return fetches(drained(parts).commands)[0]?.resource
  }

  it('R7904-2-01 the name carries no scheme: sip and sips forms of one AOR have the same Resource-ID', () => {
    const bare = resourceIdOf(crypto, utf8('bob@dht.example.com'))
    for (const form of ['sip:bob@dht.example.com', 'sips:bob@dht.example.com', 'bob@dht.example.com'])
      expect(resource(form), form).toEqual(bare)
    expect(resource('sip:bobby@dht.example.com')).not.toEqual(bare)
  })

  it('R7904-7-02 it is the rfc822Name of the user: scheme stripped, %-escapes decoded', () => {
    const { userName } = userCredential(BOB, 0xb0).certificate
    const own = resourceIdOf(crypto, utf8(userName))
    for (const form of [
      'sip:b%6Fb@dht.example.com',
      'sips:%62%6f%62@DHT.example.com',
      'b%6fb@dht.example.com',
    ])
      expect(resource(form), form).toEqual(own)
    // An escape is decoded once.
    expect(resource('sip:b%256Fb@dht.example.com')).not.toEqual(own)
  })
})

describe('where an AOR is, for people', () => {
  it('names the nodes after the responsible one, which hold the copies', () => {
    const parts = adapterParts()
    const queries = new Queries(parts)
    queries.ask(at(0), 7, { kind: 'locate', aor: BOB })
    const [fetch] = fetches(drained(parts).commands)
    const found = { responsible: nodeId(1), kinds: new Map(), rejected: 1 }
    const journey = {
      transactionId: 1n,
      firstHop: undefined,
      responder: nodeId(1),
      hops: 3,
      rttMs: 4,
      sends: 1,
    }
    queries.fetchDone(at(0), fetch!.id, { ok: true, value: found }, journey)
    for (const next of [nodeId(2), nodeId(3)]) {
      const [question] = drained(parts).commands
      expect(question).toMatchObject({ kind: 'routeQuery' })
      const value = { nextPeer: next, responder: nodeId(1), rttMs: 1 }
      queries.routeQueryDone(at(1), question?.kind === 'routeQuery' ? question.id : 0, { ok: true, value })
    }
    const { all } = drained(parts)
    expect(all).toMatchObject([
      {
        action: {
          id: 7,
          answer: {
            location: {
              responsible: key(nodeId(1)),
              replicas: [key(nodeId(2)), key(nodeId(3))],
              hops: 3,
              rejected: 1,
            },
          },
        },
      },
    ])
  })

  it('R7904-3.1-02 says how long an entry lives on by what the storing peer says is left of it', () => {
    const parts = adapterParts()
    const queries = new Queries(parts)
    queries.ask(at(0), 7, { kind: 'locate', aor: BOB })
    const [fetch] = fetches(drained(parts).commands)
    // Stored 40 minutes ago for an hour: 20 minutes are left.
    const now = at(40 * MINUTE)
    const registration = { kind: 'uri', uri: 'alice@dht.example.com' } as const
    const value = { ...registered(registration, userCredential(BOB, 0xb0)), expiresAt: now.ms + 20 * MINUTE }
    queries.fetchDone(now, fetch!.id, { ok: true, value: foundOf([value]) })
    const [question] = drained(parts).commands
    const id = question?.kind === 'routeQuery' ? question.id : 0
    queries.routeQueryDone(now, id, { ok: false, error: { kind: 'timeout' } })
    expect(drained(parts).all).toMatchObject([
      {
        action: {
          answer: { location: { entries: [{ lifetimeS: 3600, expiresAt: now.wall + 20 * MINUTE }] } },
        },
      },
    ])
  })

  it('is answered without them when nobody says where they are, and in a ring of one', () => {
    for (const next of [undefined, nodeId(1)]) {
      const parts = adapterParts()
      const queries = new Queries(parts)
      queries.ask(at(0), 7, { kind: 'locate', aor: BOB })
      const [fetch] = fetches(drained(parts).commands)
      queries.fetchDone(at(0), fetch!.id, {
        ok: true,
        value: { responsible: nodeId(1), kinds: new Map(), rejected: 0 },
      })
      const [question] = drained(parts).commands
      const id = question?.kind === 'routeQuery' ? question.id : 0
      queries.routeQueryDone(
        at(1),
        id,
        next === undefined
          ? { ok: false, error: { kind: 'timeout' } }
          : { ok: true, value: { nextPeer: next, responder: nodeId(1), rttMs: 1 } },
      )
      expect(drained(parts).all).toMatchObject([{ action: { answer: { location: { replicas: [] } } } }])
    }
  })
})
