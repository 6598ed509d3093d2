import { describe, expect, it } from 'vitest'
import { Queries } from '../../../src/adapter/queries.ts'
import { resourceIdOf } from '../../../src/reload/index.ts'
import { utf8 } from '../../../src/common/bytes.ts'
import { adapterParts, at, BOB, crypto, drained, fetches, userCredential } from './fixture.ts'

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
