/** From bytes to the codewords of a QR code: version, data, error correction of level M (15 %), interleaved. */
import { correctionCodewords } from './reed-solomon.ts'

/** ISO/IEC 18004 table 9, level M: correction codewords of a block, and blocks, by version from 1. */
const CORRECTION = [
  10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
] as const
const BLOCKS = [
  1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29,
  31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
] as const

export const VERSION_MAX = 40

export interface Codewords {
  readonly version: number
  readonly bytes: Uint8Array
}

/** Undefined when the text is too long for any version (2331 bytes fit). */
export function codewordsOf(data: Uint8Array): Codewords | undefined {
  for (let version = 1; version <= VERSION_MAX; version++) {
    // Byte mode: 4 bits of mode, the count, the bytes.
    const countBits = version < 10 ? 8 : 16
    if (4 + countBits + 8 * data.length <= 8 * dataCapacity(version))
      return { version, bytes: interleaved(version, padded(version, countBits, data)) }
  }
  return undefined
}

/** Modules that hold neither pattern nor format, in bits. */
export function rawModules(version: number): number {
  let modules = (16 * version + 128) * version + 64
  if (version >= 2) {
    const aligned = Math.floor(version / 7) + 2
    modules -= (25 * aligned - 10) * aligned - 55
    if (version >= 7) modules -= 36
  }
  return modules
}

function dataCapacity(version: number): number {
  return Math.floor(rawModules(version) / 8) - correction(version) * blocks(version)
}

function correction(version: number): number {
  return CORRECTION[version - 1] as number
}

function blocks(version: number): number {
  return BLOCKS[version - 1] as number
}

function padded(version: number, countBits: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(dataCapacity(version))
  let at = 0
  const append = (value: number, bits: number): void => {
    for (let bit = bits - 1; bit >= 0; bit--, at++)
      out[at >>> 3] = (out[at >>> 3] as number) | (((value >>> bit) & 1) << (7 - (at & 7)))
  }
  append(0b0100, 4)
  append(data.length, countBits)
  for (const byte of data) append(byte, 8)
  // The terminator is four zeros, or as many as there is room for; then zeros to the next byte.
  at = Math.min(8 * out.length, at + 4)
  for (let i = Math.ceil(at / 8), pad = 0xec; i < out.length; i++, pad ^= 0xec ^ 0x11) out[i] = pad
  return out
}

/** ISO/IEC 18004 s.7.6: the first codewords of all blocks, then the second ones …; short blocks come first. */
function interleaved(version: number, data: Uint8Array): Uint8Array {
  const count = blocks(version)
  const total = Math.floor(rawModules(version) / 8)
  const short = Math.floor(total / count) - correction(version)
  const longFrom = count - (total % count)
  const parts: { readonly data: Uint8Array; readonly correction: Uint8Array }[] = []
  for (let block = 0, at = 0; block < count; block++) {
    const length = short + (block < longFrom ? 0 : 1)
    const part = data.subarray(at, at + length)
    at += length
    parts.push({ data: part, correction: correctionCodewords(part, correction(version)) })
  }
  const out: number[] = []
  for (let i = 0; i <= short; i++) {
    for (const part of parts) if (i < part.data.length) out.push(part.data[i] as number)
  }
  for (let i = 0; i < correction(version); i++)
    for (const part of parts) out.push(part.correction[i] as number)
  return Uint8Array.from(out)
}
