/** Unguessable short texts for branches and tags, cut from blocks of random bytes so that each costs little. */
import { toHex } from '../../common/bytes.ts'
import type { Random } from '../../common/random.ts'

const BLOCK_BYTES = 4_096

export class RandomText {
  private readonly random: Random
  private block: Uint8Array = new Uint8Array(0)
  private at = 0

  constructor(random: Random) {
    this.random = random
  }

  /** `bytes` random bytes in hex. */
  hex(bytes: number): string {
    if (this.at + bytes > this.block.length) {
      this.block = this.random.bytes(BLOCK_BYTES)
      this.at = 0
    }
    const text = toHex(this.block.subarray(this.at, this.at + bytes))
    this.at += bytes
    return text
  }
}
