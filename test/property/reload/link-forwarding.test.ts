import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../../src/common/bytes.ts'
import {
  asNodeId,
  decodeMessage,
  key,
  MESSAGE_CODE,
  sameId,
  type Destination,
  type NodeId,
} from '../../../src/reload/codec/index.ts'
import { decide, type ForwardingContext } from '../../../src/reload/forwarding/forward.ts'
import { returnList } from '../../../src/reload/forwarding/via-list.ts'
import { AckWindow } from '../../../src/reload/link/ack-window.ts'
import { encodeAck, encodeData, FrameReader } from '../../../src/reload/link/framing.ts'
import { Link } from '../../../src/reload/link/link.ts'
import { message, OVERLAY } from '../../unit/reload/forwarding/messages.ts'

const u32 = fc.integer({ min: 0, max: 0xffffffff })

/** Cuts bytes at arbitrary places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const offsets = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...offsets].map((start, index) => bytes.subarray(start, offsets[index] ?? bytes.length))
}

describe('frames', () => {
  const frame = fc.oneof(
    fc.record({
      kind: fc.constant('data' as const),
      sequence: u32,
      message: fc.uint8Array({ maxLength: 200 }),
    }),
    fc.record({ kind: fc.constant('ack' as const), ackSequence: u32, received: u32 }),
  )

  it('R6940-6.6.2-06 any frames in any split come out as they went in', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (frames, places) => {
          const bytes = concatBytes(
            frames.map((each) =>
              each.kind === 'data'
                ? encodeData(each.sequence, each.message)
                : encodeAck(each.ackSequence, each.received),
            ),
          )
          const reader = new FrameReader({ maxMessageBytes: 200 })
          expect(cut(bytes, places).flatMap((part) => reader.push(part).frames)).toEqual(frames)
        },
      ),
    )
  })

  it('R6940-6.6-01 arbitrary bytes never throw, and no message above the limit comes out', () => {
    const noise = fc.array(
      fc.oneof(fc.constantFrom(0x80, 0x81, 0xd2, 0x45, 0x4c, 0x4f, 0), fc.integer({ max: 255, min: 0 })),
    )
    fc.assert(
      fc.property(noise, fc.array(fc.nat(), { maxLength: 5 }), (bytes, places) => {
        const link = new Link(0, { maxMessageBytes: 50 })
        for (const part of cut(Uint8Array.from(bytes), places)) {
          const receipt = link.receive(1, part)
          for (const received of receipt.messages) expect(received.length).toBeLessThanOrEqual(50)
          expect(receipt.replies).toHaveLength(receipt.messages.length)
        }
      }),
    )
  })
})

describe('ack mask', () => {
  it('R6940-6.6.2-05 is what the text says, for any order of arrival', () => {
    const sequences = fc.array(
      fc.integer({ min: 0xffffffd0, max: 0x100000030 }).map((n) => n >>> 0),
      { maxLength: 100 },
    )
    fc.assert(
      fc.property(sequences, (arrivals) => {
        const window = new AckWindow()
        arrivals.forEach((sequence, index) => {
          let expected = 0
          for (const earlier of arrivals.slice(Math.max(0, index - 32), index)) {
            const distance = (sequence - earlier) >>> 0
            if (distance >= 1 && distance <= 31) expected = (expected | (1 << distance)) >>> 0
          }
          expect(window.receive(sequence)).toBe(expected)
        })
      }),
    )
  })
})

describe('two links that talk', () => {
  it('R6940-6.6.5-01 all messages arrive in order and everything is acknowledged, with any delay below the RTO', () => {
    const step = fc.record({ side: fc.boolean(), size: fc.nat(300), waitMs: fc.nat(90) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 400 }), (steps, delayMs) => {
        const ends = [new Link(0, { maxMessageBytes: 300 }), new Link(0, { maxMessageBytes: 300 })] as const
        const wire: { at: number; to: 0 | 1; bytes: Uint8Array }[] = []
        const sent: [Uint8Array[], Uint8Array[]] = [[], []]
        const got: [Uint8Array[], Uint8Array[]] = [[], []]
        const deliverUntil = (now: number) => {
          for (let next = wire[0]; next !== undefined && next.at <= now; next = wire[0]) {
            wire.shift()
            expect(ends[next.to].expired(next.at)).toBeUndefined()
            const receipt = ends[next.to].receive(next.at, next.bytes)
            got[next.to].push(...receipt.messages)
            for (const reply of receipt.replies)
              wire.push({ at: next.at + delayMs, to: next.to === 0 ? 1 : 0, bytes: reply })
            wire.sort((a, b) => a.at - b.at)
          }
        }
        let now = 0
        for (const { side, size, waitMs } of steps) {
          now += waitMs
          deliverUntil(now)
          const from = side ? 1 : 0
          const to = side ? 0 : 1
          const content = new Uint8Array(size).fill(size)
          const bytes = ends[from].send(now, content)
          if (bytes === undefined) throw new Error('refused')
          sent[to].push(content)
          wire.push({ at: now + delayMs, to, bytes })
          wire.sort((a, b) => a.at - b.at)
        }
        deliverUntil(now + 10_000)
        expect(got).toEqual(sent)
        expect(ends.map((end) => [end.state, end.unackedCount])).toEqual([
          ['up', 0],
          ['up', 0],
        ])
      }),
    )
  })
})

describe('symmetric routing', () => {
  function nodeAt(index: number): NodeId {
    return asNodeId(new Uint8Array(16).fill(index + 1))
  }

  /** A chain of nodes, each connected to the next and the one before. */
  function contextAt(path: readonly number[], position: number): ForwardingContext {
    const own = nodeAt(path[position] as number)
    const near = [path[position - 1], path[position + 1]].filter((index) => index !== undefined).map(nodeAt)
    const onwards = path[position + 1]
    return {
      own,
      overlay: OVERLAY,
      initialTtl: 100,
      maxMessageBytes: 10_000,
      routes: {
        responsible: () => false,
        linked: () => false,
        connected: (id) => near.some((each) => sameId(each, id)),
        nextHop: () => (onwards === undefined ? undefined : nodeAt(onwards)),
      },
    }
  }

  it('R6940-6.1.2-06 R6940-6.1.2-07 R6940-6.2-01 the answer takes the path of the request backwards, over any path', () => {
    const paths = fc.uniqueArray(fc.nat(90), { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(paths, (path) => {
        const target: Destination = { kind: 'node', nodeId: nodeAt(path[path.length - 1] as number) }
        let bytes = message({ destinationList: [target], ttl: 100 })
        let previous: NodeId | undefined
        for (let position = 0; position < path.length - 1; position++) {
          const decision = decide(0, bytes, previous, contextAt(path, position))
          if (decision.kind !== 'forward') throw new Error(JSON.stringify(decision))
          expect(key(decision.to)).toBe(key(nodeAt(path[position + 1] as number)))
          bytes = decision.bytes
          previous = nodeAt(path[position] as number)
        }
        const arrived = decide(0, bytes, previous, contextAt(path, path.length - 1))
        if (arrived.kind !== 'deliver') throw new Error(JSON.stringify(arrived))
        const request = decodeMessage(bytes)
        if (!request.ok) throw new Error(request.error.reason)
        expect(request.value.header.ttl).toBe(100 - (path.length - 1))

        let answer = message(
          { destinationList: returnList(previous, request.value.header.viaList), ttl: 100 },
          MESSAGE_CODE.pingAns,
        )
        previous = undefined
        for (let position = path.length - 1; position > 0; position--) {
          const decision = decide(0, answer, previous, contextAt(path, position))
          if (decision.kind !== 'forward') throw new Error(JSON.stringify(decision))
          expect(key(decision.to)).toBe(key(nodeAt(path[position - 1] as number)))
          answer = decision.bytes
          previous = nodeAt(path[position] as number)
        }
        expect(decide(0, answer, previous, contextAt(path, 0)).kind).toBe('deliver')
        const header = decodeMessage(answer)
        expect(header.ok && header.value.header.viaList).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it('R6940-6.1-01 no damage to a message makes forwarding throw, and what is sent on is well-formed', () => {
    const original = message({
      viaList: [{ kind: 'node', nodeId: nodeAt(1) }],
      destinationList: [
        { kind: 'opaque', id: Uint8Array.of(0x80, 1), short: true },
        { kind: 'node', nodeId: nodeAt(4) },
      ],
      options: [{ type: 3, flags: 0, value: Uint8Array.of(1) }],
    })
    const damage = fc.array(fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    })
    const context = {
      ...contextAt([2, 3, 4], 1),
      opaqueIds: { resolve: () => [{ kind: 'node', nodeId: nodeAt(2) } as const] },
    }
    fc.assert(
      fc.property(damage, fc.nat(original.length), fc.boolean(), (changes, cutTo, whole) => {
        const bytes = whole ? original.slice() : original.slice(0, cutTo)
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        const decision = decide(0, bytes, nodeAt(2), context)
        if (decision.kind !== 'forward') return
        const again = decide(0, decision.bytes, nodeAt(3), contextAt([2, 3, 4], 2))
        expect(again.kind === 'drop' && again.detail === 'header').toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })
})
