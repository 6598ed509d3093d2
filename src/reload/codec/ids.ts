import { bytesEqual, fromHex, toHex } from '../../common/bytes.ts'

declare const nodeIdBrand: unique symbol
declare const resourceIdBrand: unique symbol

/** Node-ID: 16 to 20 raw bytes, most significant first (RFC 6940 s.6.3.1.1). */
export type NodeId = Uint8Array & { readonly [nodeIdBrand]: true }

/** Resource-ID: up to 254 bytes; 16 with CHORD-RELOAD. Held without its length byte. */
export type ResourceId = Uint8Array & { readonly [resourceIdBrand]: true }

/** 32-bit Kind-ID (RFC 6940 s.14.6). */
export type KindId = number

/** 64-bit random transaction id (RFC 6940 s.6.3.2). */
export type TransactionId = bigint

export function asNodeId(bytes: Uint8Array): NodeId {
  return bytes as NodeId
}

export function asResourceId(bytes: Uint8Array): ResourceId {
  return bytes as ResourceId
}

/** Map key and display form of an id: lower-case hex. */
export function key(id: Uint8Array): string {
  return toHex(id)
}

export function nodeIdFromHex(text: string): NodeId | undefined {
  const bytes = fromHex(text)
  return bytes === undefined || bytes.length < 16 || bytes.length > 20 ? undefined : asNodeId(bytes)
}

export function sameId(a: Uint8Array, b: Uint8Array): boolean {
  return bytesEqual(a, b)
}

/** RFC 6940 s.3: all ones, "whichever node gets this". */
export function isWildcard(id: Uint8Array): boolean {
  for (let i = 0; i < id.length; i++) if (id[i] !== 0xff) return false
  return true
}

/** RFC 6940 s.3: all zeros never appears on the wire. */
export function isZero(id: Uint8Array): boolean {
  for (let i = 0; i < id.length; i++) if (id[i] !== 0) return false
  return true
}
