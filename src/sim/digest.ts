/** A fingerprint of everything that happened: two runs are the same exactly when their digests are. */
export class Digest {
  private a = 0x811c9dc5
  private b = 0x9e3779b9
  private readonly float = new Float64Array(1)
  private readonly words = new Uint32Array(this.float.buffer)

  text(value: string): void {
    for (let i = 0; i < value.length; i++) this.mix(value.charCodeAt(i))
  }

  number(value: number): void {
    this.float[0] = value
    this.mix(this.words[0] as number)
    this.mix(this.words[1] as number)
  }

  /** Four bytes at a time: large runs spend a good part of their time here. */
  bytes(value: Uint8Array): void {
    const { length } = value
    this.mix(length)
    let i = 0
    for (; i + 4 <= length; i += 4) {
      this.mix(
        (value[i] as number) |
          ((value[i + 1] as number) << 8) |
          ((value[i + 2] as number) << 16) |
          ((value[i + 3] as number) << 24),
      )
    }
    for (; i < length; i++) this.mix(value[i] as number)
  }

  get value(): string {
    return hex(this.a) + hex(this.b)
  }

  private mix(word: number): void {
    // The rotation carries high bits down: a multiplication alone only carries upwards.
    const a = Math.imul(this.a ^ word, 0x01000193)
    this.a = (a << 15) | (a >>> 17)
    const b = Math.imul(this.b ^ word, 0x85ebca6b) + 0x165667b1
    this.b = (b << 13) | (b >>> 19)
  }
}

/** None: a measurement of something else shall not pay for a look at every byte that is sent. */
export class NoDigest extends Digest {
  override text(): void {
    // Nothing.
  }

  override number(): void {
    // Nothing.
  }

  override bytes(): void {
    // Nothing.
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
