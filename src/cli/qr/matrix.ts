/** The square of a QR code: patterns, codewords, the mask with the least penalty (ISO/IEC 18004 s.6.3, s.7.7 to s.7.10). */
import { codewordsOf } from './codewords.ts'

/** Rows of dark (true) and light modules, without the quiet zone. */
export type QrMatrix = readonly (readonly boolean[])[]

/**
 * Level M, byte mode. Undefined when the text is longer than 2331 bytes in UTF-8. Readers guess the encoding of what is not ASCII, so
 * callers do without.
 */
export function qrMatrix(text: string): QrMatrix | undefined {
  const codewords = codewordsOf(new TextEncoder().encode(text))
  if (codewords === undefined) return undefined
  const drawing = new Drawing(codewords.version)
  drawing.codewords(codewords.bytes)
  let best: { readonly matrix: boolean[][]; readonly penalty: number } | undefined
  for (let mask = 0; mask < 8; mask++) {
    const matrix = drawing.masked(mask)
    const penalty = penaltyOf(matrix)
    if (best === undefined || penalty < best.penalty) best = { matrix, penalty }
  }
  return best?.matrix
}

/** Level M in format information. */
const LEVEL_M = 0b00

class Drawing {
  private readonly version: number
  private readonly size: number
  private readonly dark: boolean[][]
  /** Patterns, and the places of format and version: no codeword, no mask. */
  private readonly fixed: boolean[][]

  constructor(version: number) {
    this.version = version
    this.size = 17 + 4 * version
    this.dark = square(this.size)
    this.fixed = square(this.size)
    this.patterns()
  }

  /** Two columns at a time, upwards and downwards, from the right; the column of the timing pattern is left out. */
  codewords(bytes: Uint8Array): void {
    let bit = 0
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5
      for (let step = 0; step < this.size; step++) {
        for (const x of [right, right - 1]) {
          const upward = ((right + 1) & 2) === 0
          const y = upward ? this.size - 1 - step : step
          if (at(this.fixed, x, y) || bit >= 8 * bytes.length) continue
          put(this.dark, x, y, (((bytes[bit >>> 3] as number) >>> (7 - (bit & 7))) & 1) === 1)
          bit++
        }
      }
    }
  }

  /** A copy with this mask and its format information. */
  masked(mask: number): boolean[][] {
    const out = this.dark.map((row, y) =>
      row.map((dark, x) => (at(this.fixed, x, y) ? dark : dark !== isMasked(mask, x, y))),
    )
    this.format(out, mask)
    return out
  }

  private patterns(): void {
    const { size } = this
    for (let i = 0; i < size; i++) {
      this.fix(6, i, i % 2 === 0)
      this.fix(i, 6, i % 2 === 0)
    }
    for (const [x, y] of [
      [3, 3],
      [size - 4, 3],
      [3, size - 4],
    ] as const)
      this.rings(x, y, 4)
    const centers = alignmentCenters(this.version, size)
    const last = centers.length - 1
    for (const [i, x] of centers.entries())
      for (const [j, y] of centers.entries()) {
        const finder = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)
        if (!finder) this.rings(x, y, 2)
      }
    // Reserved; the mask decides what stands there.
    this.format(this.dark, 0, this.fixed)
    this.versionBlocks()
  }

  /** Concentric squares; the ring at distance 2 of a finder and all beyond 3 are light. */
  private rings(centerX: number, centerY: number, reach: number): void {
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        const distance = Math.max(Math.abs(dx), Math.abs(dy))
        const dark = reach === 4 ? distance !== 2 && distance !== 4 : distance !== 1
        this.fix(centerX + dx, centerY + dy, dark)
      }
  }

  private fix(x: number, y: number, dark: boolean): void {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return
    put(this.dark, x, y, dark)
    put(this.fixed, x, y, true)
  }

  /** 15 bits, twice (s.7.9); with `reserve`, the places are marked there. */
  private format(out: boolean[][], mask: number, reserve?: boolean[][]): void {
    const { size } = this
    const data = (LEVEL_M << 3) | mask
    let rest = data
    for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537)
    const bits = ((data << 10) | rest) ^ 0x5412
    const set = (x: number, y: number, dark: boolean): void => {
      put(out, x, y, dark)
      if (reserve !== undefined) put(reserve, x, y, true)
    }
    for (let i = 0; i < 15; i++) {
      const dark = ((bits >>> i) & 1) === 1
      // Around the upper left finder, leaving out the timing pattern.
      if (i < 6) set(8, i, dark)
      else if (i < 8) set(8, i + 1, dark)
      else if (i === 8) set(7, 8, dark)
      else set(14 - i, 8, dark)
      if (i < 8) set(size - 1 - i, 8, dark)
      else set(8, size - 15 + i, dark)
    }
    set(8, size - 8, true)
  }

  /** 18 bits, twice, from version 7 on (s.7.10). */
  private versionBlocks(): void {
    if (this.version < 7) return
    let rest = this.version
    for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25)
    const bits = (this.version << 12) | rest
    for (let i = 0; i < 18; i++) {
      const dark = ((bits >>> i) & 1) === 1
      const far = this.size - 11 + (i % 3)
      const near = Math.floor(i / 3)
      this.fix(far, near, dark)
      this.fix(near, far, dark)
    }
  }
}

function alignmentCenters(version: number, size: number): number[] {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const step = version === 32 ? 26 : 2 * Math.ceil((size - 13) / (2 * count - 2))
  const centers = [6]
  for (let at = size - 7; centers.length < count; at -= step) centers.splice(1, 0, at)
  return centers
}

/** s.7.8.2, table 10. */
function isMasked(mask: number, x: number, y: number): boolean {
  switch (mask) {
    case 0:
      return (x + y) % 2 === 0
    case 1:
      return y % 2 === 0
    case 2:
      return x % 3 === 0
    case 3:
      return (x + y) % 3 === 0
    case 4:
      return (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0
    case 5:
      return ((x * y) % 2) + ((x * y) % 3) === 0
    case 6:
      return (((x * y) % 2) + ((x * y) % 3)) % 2 === 0
    default:
      return (((x + y) % 2) + ((x * y) % 3)) % 2 === 0
  }
}

/** s.7.8.3: what makes a code hard to read. Which mask wins is a matter of taste: readers take any. */
function penaltyOf(matrix: boolean[][]): number {
  const size = matrix.length
  let penalty = 0
  let dark = 0
  for (let i = 0; i < size; i++) {
    const row = matrix[i] as boolean[]
    const column = matrix.map((each) => each[i] as boolean)
    penalty += linePenalty(row) + linePenalty(column)
    dark += row.filter(Boolean).length
  }
  for (let y = 1; y < size; y++)
    for (let x = 1; x < size; x++) {
      const color = at(matrix, x, y)
      const same = [at(matrix, x - 1, y), at(matrix, x, y - 1), at(matrix, x - 1, y - 1)]
      if (same.every((each) => each === color)) penalty += 3
    }
  return penalty + 10 * Math.floor(Math.abs((20 * dark) / (size * size) - 10))
}

/** Like a finder with the light margin it has on one side. */
const FINDER_LIKE = ['10111010000', '00001011101']

function linePenalty(line: readonly boolean[]): number {
  let penalty = 0
  for (let start = 0, i = 1; i <= line.length; i++) {
    if (i < line.length && line[i] === line[start]) continue
    if (i - start >= 5) penalty += i - start - 2
    start = i
  }
  const text = line.map((dark) => (dark ? '1' : '0')).join('')
  for (const like of FINDER_LIKE)
    for (let found = text.indexOf(like); found >= 0; found = text.indexOf(like, found + 1)) penalty += 40
  return penalty
}

function square(size: number): boolean[][] {
  return Array.from({ length: size }, () => new Array<boolean>(size).fill(false))
}

function at(matrix: boolean[][], x: number, y: number): boolean {
  return (matrix[y] as boolean[])[x] as boolean
}

function put(matrix: boolean[][], x: number, y: number, dark: boolean): void {
  const row = matrix[y] as boolean[]
  row[x] = dark
}
