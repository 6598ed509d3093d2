/**
 * What was delivered, as a capture file: each delivery is one TCP segment between the simulated addresses. The payload is
 * what TLS would carry, in the clear. `tshark -r FILE` dissects it as RELOAD by its port 6084; only the certificates of the
 * stand-in look malformed to it, because they are none.
 */
import { Writer } from '../common/bytes.ts'
import type { WallTime } from '../common/time.ts'
import type { Delivery } from './pipe.ts'

const MAGIC_MICROSECONDS = 0xa1b2c3d4
/** Packets begin with the IP header. */
const LINKTYPE_RAW = 101
const SNAP_BYTES = 65_535
const IP_BYTES = 20
const TCP_BYTES = 20
const TCP = 6
/** PSH and ACK. */
const FLAGS = 0x5018
/** Largest payload of one packet; longer deliveries become several. */
const PAYLOAD_MAX = SNAP_BYTES - IP_BYTES - TCP_BYTES

export function pcapHeader(): Uint8Array {
  const writer = new Writer()
  writer.u32(MAGIC_MICROSECONDS)
  writer.u16(2)
  writer.u16(4)
  writer.u32(0)
  writer.u32(0)
  writer.u32(SNAP_BYTES)
  writer.u32(LINKTYPE_RAW)
  return writer.done()
}

/** Makes packets of deliveries; keeps the sequence numbers of every stream. */
export class PcapWriter {
  private readonly wallStart: WallTime
  private readonly sequences = new Map<string, number>()

  constructor(wallStart: WallTime) {
    this.wallStart = wallStart
  }

  packets(delivery: Delivery): Uint8Array {
    const writer = new Writer()
    for (let from = 0; from < delivery.bytes.length; from += PAYLOAD_MAX) {
      this.packet(writer, delivery, delivery.bytes.subarray(from, from + PAYLOAD_MAX))
    }
    return writer.done()
  }

  private packet(writer: Writer, { at, source, target }: Delivery, payload: Uint8Array): void {
    const micros = Math.round((this.wallStart + at) * 1000)
    const bytes = IP_BYTES + TCP_BYTES + payload.length
    writer.u32(Math.floor(micros / 1_000_000))
    writer.u32(micros % 1_000_000)
    writer.u32(bytes)
    writer.u32(bytes)
    const ip = ipHeader(bytes, source.address, target.address)
    writer.bytes(ip)
    const there = `${source.address}:${source.port}>${target.address}:${target.port}`
    const back = `${target.address}:${target.port}>${source.address}:${source.port}`
    const sequence = this.sequences.get(there) ?? 1
    this.sequences.set(there, (sequence + payload.length) % 0x1_0000_0000)
    const head = tcpHeader(source.port, target.port, sequence, this.sequences.get(back) ?? 1)
    const sum = checksum([ip.subarray(12, 20), pseudo(TCP_BYTES + payload.length), head, payload])
    head[16] = sum >>> 8
    head[17] = sum & 0xff
    writer.bytes(head)
    writer.bytes(payload)
  }
}

function ipHeader(bytes: number, source: string, target: string): Uint8Array {
  const writer = new Writer()
  writer.u16(0x4500)
  writer.u16(bytes)
  writer.u32(0x4000)
  writer.u8(64)
  writer.u8(TCP)
  writer.u16(0)
  writer.bytes(ipv4(source))
  writer.bytes(ipv4(target))
  const header = writer.done()
  const sum = checksum([header])
  header[10] = sum >>> 8
  header[11] = sum & 0xff
  return header
}

function tcpHeader(source: number, target: number, sequence: number, acknowledged: number): Uint8Array {
  const writer = new Writer()
  writer.u16(source)
  writer.u16(target)
  writer.u32(sequence)
  writer.u32(acknowledged)
  writer.u16(FLAGS)
  writer.u16(0xffff)
  writer.u32(0)
  return writer.done()
}

/** The rest of the pseudo header (RFC 9293 s.3.1) behind the two addresses. */
function pseudo(tcpBytes: number): Uint8Array {
  return Uint8Array.of(0, TCP, tcpBytes >>> 8, tcpBytes & 0xff)
}

/** RFC 1071. Every part but the last must have an even length. */
function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] as number) << 8) | (part[i + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function ipv4(address: string): Uint8Array {
  const numbers = address.split('.').map(Number)
  return numbers.length === 4 ? Uint8Array.from(numbers) : new Uint8Array(4)
}
