import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { fromUtf8, toHex, utf8 } from '../../../src/common/bytes.ts'
import { addressBytes } from '../../../src/sip/index.ts'
import { hepBytes, type HepPacket } from '../../../src/trace/hep.ts'
import { hepOf, type HepNode } from '../../../src/trace/hep-entries.ts'
import { HepSender } from '../../../src/trace/io/hep-sender.ts'
import type { Recorded, TraceHop } from '../../../src/trace/recorded.ts'

const PACKET: HepPacket = {
  from: Uint8Array.of(10, 0, 0, 5),
  to: Uint8Array.of(192, 0, 2, 1),
  fromPort: 5062,
  toPort: 5060,
  protocol: 'udp',
  at: 1_700_000_000_123.456,
  type: 'sip',
  captureId: 77,
  correlation: 'a@b',
  payload: utf8('OPTIONS sip:x SIP/2.0\r\n\r\n'),
}

/** Chunks by type, values in hex. */
function chunks(bytes: Uint8Array): Map<number, string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  expect(fromUtf8(bytes.subarray(0, 4))).toBe('HEP3')
  expect(view.getUint16(4)).toBe(bytes.length)
  const found = new Map<number, string>()
  for (let at = 6; at < bytes.length; at += view.getUint16(at + 4)) {
    expect(view.getUint16(at), 'vendor').toBe(0)
    found.set(view.getUint16(at + 2), toHex(bytes.subarray(at + 6, at + view.getUint16(at + 4))))
  }
  return found
}

describe('a HEP packet', () => {
  it('has the chunks of version 3, byte for byte', () => {
    expect(chunks(hepBytes(PACKET))).toEqual(
      new Map([
        [0x01, '02'],
        [0x02, '11'],
        [0x03, '0a000005'],
        [0x04, 'c0000201'],
        [0x07, '13c6'],
        [0x08, '13c4'],
        [0x09, '6553f100'],
        [0x0a, '0001e240'],
        [0x0b, '01'],
        [0x0c, '0000004d'],
        [0x11, toHex(utf8('a@b'))],
        [0x0f, toHex(PACKET.payload)],
      ]),
    )
  })

  it('IPv6, TCP and log lines are told apart; what does not fit a datagram is cut', () => {
    const long = { ...PACKET, payload: new Uint8Array(70_000), correlation: 'c'.repeat(256) }
    const six = { from: new Uint8Array(16), to: new Uint8Array(16), protocol: 'tcp', type: 'log' } as const
    const bytes = hepBytes({ ...long, ...six })
    expect(bytes.length).toBeLessThanOrEqual(65_000)
    const found = chunks(bytes)
    expect([found.get(0x01), found.get(0x02), found.get(0x0b)]).toEqual(['0a', '06', '64'])
    expect(found.get(0x05)).toBe('00'.repeat(16))
    expect(found.has(0x03)).toBe(false)
  })
})

const SELF = '2b'.repeat(16)
const OTHER = '31'.repeat(16)
const NODE: HepNode = {
  self: SELF,
  captureId: 1,
  listeners: [
    { id: 0, transport: 'udp', host: '192.0.2.1', port: 5060 },
    { id: 1, transport: 'udp', host: '2001:db8::1', port: 5070 },
    { id: 2, transport: 'tls', host: 'name.example', port: 5061 },
  ],
  addressBytes,
}

function message(direction: 'in' | 'out', hop: Partial<TraceHop>): Recorded {
  const full = { transport: 'udp', host: '10.0.0.5', port: 5062, listener: 0, flow: 0, ...hop }
  const { payload: bytes } = PACKET
  return {
    kind: 'message',
    at: 1,
    direction,
    hop: full,
    callId: 'a@b',
    method: 'X',
    status: 0,
    bytes,
    omitted: 0,
  }
}

describe('entries of a trace', () => {
  it('messages of phones lie between their address and our listener', () => {
    const arrived = hepOf(message('in', {}), NODE)
    expect([toHex(arrived.from), arrived.fromPort, toHex(arrived.to), arrived.toPort]).toEqual([
      '0a000005',
      5062,
      'c0000201',
      5060,
    ])
    const sent = hepOf(message('out', {}), NODE)
    expect([toHex(sent.from), sent.toPort, sent.correlation]).toEqual(['c0000201', 5062, 'a@b'])
  })

  it('both ends have one family: IPv4 beside IPv6 is mapped, a name is nowhere', () => {
    const mixed = hepOf(message('in', { listener: 1 }), NODE)
    expect(toHex(mixed.from)).toBe(`${'00'.repeat(10)}ffff0a000005`)
    expect(toHex(mixed.to).startsWith('20010db8')).toBe(true)
    const named = hepOf(message('out', { transport: 'tls', listener: 9 }), NODE)
    expect([toHex(named.from), named.fromPort, named.protocol]).toEqual(['00000000', 5061, 'tcp'])
  })

  it('messages of other nodes lie between Node-IDs, as seen from both', () => {
    const sent = hepOf(message('out', { transport: 'peer', host: OTHER, port: 0 }), NODE)
    const arrived = hepOf(message('in', { transport: 'peer', host: SELF, port: 0 }), { ...NODE, self: OTHER })
    expect([toHex(sent.from), toHex(sent.to)]).toEqual([SELF, OTHER])
    expect([arrived.from, arrived.to]).toEqual([sent.from, sent.to])
  })

  it('what the overlay did is a log line of JSON', () => {
    const note = hepOf(
      {
        kind: 'note',
        at: 100,
        callId: 'a@b',
        note: {
          kind: 'flow',
          node: OTHER,
          how: 'opened',
          tookMs: 20,
          journey: undefined,
          handshakeMs: 5,
          fault: undefined,
        },
      },
      NODE,
    )
    expect([note.type, toHex(note.to), note.at]).toEqual(['log', OTHER, 80])
    expect(JSON.parse(fromUtf8(note.payload))).toMatchObject({
      callId: 'a@b',
      event: 'flow',
      node: SELF,
      tookMs: 20,
    })
  })
})

describe('HepSender', () => {
  const open: { close(): unknown }[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })

  async function collector(): Promise<{ socket: Socket; port: number }> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return { socket, port: socket.address().port }
  }

  it('keeps a bounded number of packets, drops the oldest and counts both', async () => {
    const { socket, port } = await collector()
    open.push(socket)
    const sender = new HepSender<number>({ host: '127.0.0.1', port }, (entry) => utf8(String(entry)))
    open.push(sender)
    sender.push(-1)
    expect(sender.size).toBe(0)
    sender.open()
    for (let i = 0; i < 2_500; i++) sender.push(i)
    expect(sender.size).toBe(2_000)
    expect(sender.packets.get('dropped')).toBe(500)
    const [first] = (await once(socket, 'message')) as [Buffer]
    expect(first.toString()).toBe('500')
  })

  it('a collector that is not there costs packets and nothing else', async () => {
    const { socket, port } = await collector()
    socket.close()
    await once(socket, 'close')
    let made: () => void = () => undefined
    const tried = new Promise<void>((resolve) => (made = resolve))
    const sender = new HepSender<number>({ host: '127.0.0.1', port }, () => {
      made()
      return utf8('x')
    })
    sender.open()
    sender.push(1)
    await tried
    for (let i = 0; i < 3_000; i++) sender.push(i)
    expect(sender.size).toBeLessThanOrEqual(2_000)
    await sender.close()
    expect(sender.size).toBe(0)
    sender.push(1)
    expect(sender.size).toBe(0)
    expect(sender.packets.get('dropped')).toBeGreaterThanOrEqual(2_000)
  })
})
