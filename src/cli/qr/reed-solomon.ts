/** Reed-Solomon codewords of QR codes: GF(256) with the polynomial 0x11d (ISO/IEC 18004 s.7.5). */

/** `degree` error correction codewords for `data`. */
export function correctionCodewords(data: Uint8Array, degree: number): Uint8Array {
  const divisor = generator(degree)
  const remainder = new Uint8Array(degree)
  for (const byte of data) {
    const factor = byte ^ (remainder[0] as number)
    remainder.copyWithin(0, 1)
    remainder[degree - 1] = 0
    for (let i = 0; i < degree; i++)
      remainder[i] = (remainder[i] as number) ^ product(divisor[i] as number, factor)
  }
  return remainder
}

/** (x - 1)(x - 2)(x - 4)…, highest power first and left out, since it is 1. */
function generator(degree: number): Uint8Array {
  const result = new Uint8Array(degree)
  result[degree - 1] = 1
  let root = 1
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j < degree; j++) {
      const next = j + 1 < degree ? (result[j + 1] as number) : 0
      result[j] = product(result[j] as number, root) ^ next
    }
    root = product(root, 2)
  }
  return result
}

/** Multiplication in the field. */
function product(a: number, b: number): number {
  let result = 0
  for (let bit = 7; bit >= 0; bit--) {
    result = (result << 1) ^ ((result >>> 7) * 0x11d)
    result ^= ((b >>> bit) & 1) * a
  }
  return result
}
