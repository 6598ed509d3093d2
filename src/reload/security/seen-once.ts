import { lastWord } from '../../common/bytes.ts'

/** Marks kept at first: most peers in a simulation never need more. */
const MARKS_MIN = 64
/** 256 kB: four for each signature that `ProvenSignatures` keeps. */
const MARKS_MAX = 65_536

/**
 * Which signatures have come by, as far as that can be said in four bytes each: a later one may take the place of an earlier one, and two
 * may look alike. Good for what makes a difference in cost only.
 */
export class SeenOnce {
  private marks = new Int32Array(MARKS_MIN)
  /** Marks that lost their place since the last growth. */
  private lost = 0

  /** Whether the signature seems to have come by before. */
  has(signature: Uint8Array): boolean {
    const { marks } = this
    // Of an ECDSA signature as of an RSA one the end is as good as drawn by lot.
    const mark = lastWord(signature)
    return marks[mark & (marks.length - 1)] === mark
  }

  note(signature: Uint8Array): void {
    const { marks } = this
    const mark = lastWord(signature)
    const place = mark & (marks.length - 1)
    const there = marks[place] as number
    marks[place] = mark
    if (there === 0 || there === mark) return
    if (++this.lost * 2 > marks.length && marks.length < MARKS_MAX) this.grow()
  }

  private grow(): void {
    const marks = new Int32Array(this.marks.length * 2)
    for (const mark of this.marks) if (mark !== 0) marks[mark & (marks.length - 1)] = mark
    this.marks = marks
    this.lost = 0
  }
}
