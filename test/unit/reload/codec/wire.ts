import { fromHex, toHex } from '../../../../src/common/bytes.ts'
import type { Result } from '../../../../src/common/errors.ts'
import { asNodeId, asResourceId } from '../../../../src/reload/codec/index.ts'
import type { DataModel, DecodeFailure, NodeId, ResourceId } from '../../../../src/reload/codec/index.ts'

/** Bytes of hex text in which blanks and lines are free: `bytes('01 06 c0000201')`. */
export function bytes(text: string): Uint8Array {
  const value = fromHex(text.replace(/\s+/g, ''))
  if (value === undefined) throw new Error(`not hex: ${text}`)
  return value
}

/** Hex without blanks, to compare with what an encoder made. */
export function hex(text: string): string {
  return toHex(bytes(text))
}

/** The 16-byte Node-ID that ends in `last`, with 01 in front so that it is never zero. */
export function node(last: number): NodeId {
  const id = new Uint8Array(16)
  id[0] = 1
  id[15] = last
  return asNodeId(id)
}

export function nodeHex(last: number): string {
  return toHex(node(last))
}

export function resource(fill: number): ResourceId {
  return asResourceId(new Uint8Array(16).fill(fill))
}

export function value<T>(result: Result<T, DecodeFailure>): T {
  if (!result.ok) throw new Error(`decoding failed: ${result.error.reason}`)
  return result.value
}

export function failure<T>(result: Result<T, DecodeFailure>): DecodeFailure {
  if (result.ok) throw new Error('decoding succeeded')
  return result.error
}

/** Kind 1 is a dictionary, 2 a single value, 3 and 0x10 arrays; others are unknown. */
export function modelOf(kind: number): DataModel | undefined {
  return new Map<number, DataModel>([
    [1, 'dictionary'],
    [2, 'single'],
    [3, 'array'],
    [0x10, 'array'],
  ]).get(kind)
}

/** Signature with no identity and no bytes, as of synthesized values. */
export const noSignature = {
  hashAlgorithm: 0,
  signatureAlgorithm: 0,
  identity: { kind: 'none' },
  value: new Uint8Array(0),
} as const
export const noSignatureHex = '00 00 03 0000 0000'
