/** Unguessable short texts for branches and tags, cut from blocks of random bytes so that each costs little. */
import { toHex } from '../../common/bytes.ts'
import type { Random } from '../../common/random.ts'

const BLOCK_BYTES = 4_096

export class RandomText {
  private readonly random: Random
  /** Hex of a block of random bytes; used up to `at`. */
  private block = ''
  private at = 0

  constructor(random: Random) {
    this.random = random
  }

  /** `bytes` random bytes in hex. */
  hex(bytes: number): string {
    const { at } = this
    if (at + 2 * bytes > this.block.length) {
      this.block = toHex(this.random.bytes(BLOCK_BYTES))
      this.at = 2 * bytes
      return this.block.slice(0, 2 * bytes)
    }
    this.at = at + 2 * bytes
    return this.block.slice(at, this.at)
  }
}
