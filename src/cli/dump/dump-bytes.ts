/** Tells what bytes are and prints them; never throws. */
import { Reader } from '../../common/bytes.ts'
import { messageTree } from '../../reload/codec/index.ts'
import { dumpStun } from './dump-stun.ts'
import { dumpSip } from './dump-sip.ts'

export interface DumpPart {
  readonly kind: 'reload' | 'reload-frame' | 'stun' | 'sip' | 'unknown'
  /** False when the bytes are not what they begin like, or break off; the text says where. */
  readonly whole: boolean
  readonly text: string
}

/** 0xd2454c4f (RFC 6940 s.6.3.2). */
const RELOAD_TOKEN = 0xd2454c4f
/** RFC 8489 s.5. */
const STUN_COOKIE = 0x2112a442
/** FramedMessage types (RFC 6940 s.6.6.2). */
const FRAME_DATA = 128
const FRAME_ACK = 129
const PARTS_MAX = 10_000

/** All that stands in `bytes`: one message, or a sequence of frames as they go over a link. */
export function dumpBytes(bytes: Uint8Array): DumpPart[] {
  if (startsWith(bytes, 0, RELOAD_TOKEN)) return [{ kind: 'reload', ...messageTree(bytes) }]
  if (startsWith(bytes, 4, STUN_COOKIE) && ((bytes[0] ?? 0xff) & 0xc0) === 0) {
    return [{ kind: 'stun', ...dumpStun(bytes) }]
  }
  const frames = dumpFrames(bytes)
  if (frames !== undefined) return frames
  const sip = dumpSip(bytes)
  if (sip !== undefined) return [{ kind: 'sip', ...sip }]
  return [
    { kind: 'unknown', whole: false, text: `${bytes.length} bytes that are neither RELOAD, STUN nor SIP` },
  ]
}

function startsWith(bytes: Uint8Array, offset: number, word: number): boolean {
  return bytes.length >= offset + 4 && new Reader(bytes, offset).u32() === word
}

/** RFC 6940 s.6.6.2: data frames and acknowledgements, one after the other; undefined when it is something else. */
function dumpFrames(bytes: Uint8Array): DumpPart[] | undefined {
  const parts: DumpPart[] = []
  let at = 0
  while (at < bytes.length && parts.length < PARTS_MAX) {
    const reader = new Reader(bytes, at)
    if (reader.remaining < 8) return parts.length === 0 ? undefined : [...parts, rest(bytes, at)]
    const type = reader.u8()
    const sequence = reader.u32()
    if (type === FRAME_ACK) {
      if (reader.remaining < 4) return parts.length === 0 ? undefined : [...parts, rest(bytes, at)]
      const received = reader.u32()
      parts.push({
        kind: 'reload-frame',
        whole: true,
        text: `FramedMessage (RFC 6940 s.6.6.2)\n  type: ack (129)\n  ack_sequence: ${sequence}\n  received: 0x${received.toString(16).padStart(8, '0')}`,
      })
      at += 9
      continue
    }
    if (type !== FRAME_DATA) return parts.length === 0 ? undefined : [...parts, rest(bytes, at)]
    const length = reader.u24()
    if (!startsWith(bytes, at + 8, RELOAD_TOKEN))
      return parts.length === 0 ? undefined : [...parts, rest(bytes, at)]
    // The last one may break off, as in a capture that cut packets short.
    const { text: message, whole } = messageTree(bytes.subarray(at + 8, at + 8 + length))
    const missing = Math.max(0, length - reader.remaining)
    const there = missing === 0 ? '' : `\n  ! ${missing} bytes of it are missing`
    parts.push({
      kind: 'reload-frame',
      whole: whole && missing === 0,
      text: `FramedMessage (RFC 6940 s.6.6.2)\n  type: data (128)\n  sequence: ${sequence}\n  message: ${length} bytes${there}\n${indented(message, '    ')}`,
    })
    at += 8 + length
  }
  return parts.length === 0 ? undefined : parts
}

function rest(bytes: Uint8Array, at: number): DumpPart {
  return {
    kind: 'unknown',
    whole: false,
    text: `${bytes.length - at} bytes at ${at} that are no whole frame`,
  }
}

function indented(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => `${by}${line}`)
    .join('\n')
}
