/**
 * One packet of HEP version 3 ("HEP3"), as capture servers such as Homer take it: chunks of vendor 0, each with type and length.
 * Does no I/O.
 */
import type { WallTime } from '../common/time.ts'

export interface HepPacket {
  /** 4 or 16 bytes; both ends have the same length. */
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly fromPort: number
  readonly toPort: number
  readonly protocol: 'udp' | 'tcp'
  readonly at: WallTime
  readonly type: 'sip' | 'log'
  /** Which node sends it, 32 bits. */
  readonly captureId: number
  /** What belongs together: the Call-ID. */
  readonly correlation: string
  readonly payload: Uint8Array
}

const CHUNK = {
  family: 0x01,
  protocol: 0x02,
  ipv4: [0x03, 0x04],
  ipv6: [0x05, 0x06],
  ports: [0x07, 0x08],
  seconds: 0x09,
  microseconds: 0x0a,
  type: 0x0b,
  captureId: 0x0c,
  payload: 0x0f,
  correlation: 0x11,
} as const

/** As Linux numbers them. */
const FAMILY = { ipv4: 2, ipv6: 10 } as const
const PROTOCOL = { udp: 17, tcp: 6 } as const
/** 100: a log line, here of JSON. */
const TYPE = { sip: 1, log: 100 } as const
const CHUNK_HEAD = 6
const HEAD = 6
/** What fits a datagram; the lengths of HEP itself have 16 bits. */
const PACKET_BYTES_MAX = 65_000

/** A payload that does not fit is cut. */
export function hepBytes(packet: HepPacket): Uint8Array {
  const { from, to, at, payload } = packet
  const isIpv4 = from.length === 4
  const [fromChunk, toChunk] = isIpv4 ? CHUNK.ipv4 : CHUNK.ipv6
  const [fromPort, toPort] = CHUNK.ports
  const seconds = Math.floor(at / 1000)
  const correlation = latin1(packet.correlation)
  const shown = payload.subarray(0, PACKET_BYTES_MAX - 256 - correlation.length)
  const chunks: readonly (readonly [type: number, value: Uint8Array])[] = [
    [CHUNK.family, number(isIpv4 ? FAMILY.ipv4 : FAMILY.ipv6, 1)],
    [CHUNK.protocol, number(PROTOCOL[packet.protocol], 1)],
    [fromChunk, from],
    [toChunk, to],
    [fromPort, number(packet.fromPort, 2)],
    [toPort, number(packet.toPort, 2)],
    [CHUNK.seconds, number(seconds, 4)],
    [CHUNK.microseconds, number(Math.floor((at - 1000 * seconds) * 1000), 4)],
    [CHUNK.type, number(TYPE[packet.type], 1)],
    [CHUNK.captureId, number(packet.captureId, 4)],
    [CHUNK.correlation, correlation],
    [CHUNK.payload, shown],
  ]
  const length = chunks.reduce((sum, [, value]) => sum + CHUNK_HEAD + value.length, HEAD)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  bytes.set(latin1('HEP3'))
  view.setUint16(4, length)
  let offset = HEAD
  for (const [type, value] of chunks) {
    // Vendor 0 stands in the first two bytes.
    view.setUint16(offset + 2, type)
    view.setUint16(offset + 4, CHUNK_HEAD + value.length)
    bytes.set(value, offset + CHUNK_HEAD)
    offset += CHUNK_HEAD + value.length
  }
  return bytes
}

function number(value: number, length: 1 | 2 | 4): Uint8Array {
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  if (length === 1) view.setUint8(0, value)
  else if (length === 2) view.setUint16(0, value)
  else view.setUint32(0, value)
  return bytes
}

/** Texts of SIP are kept byte for byte. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}
