/** A fingerprint of everything that happened: two runs are the same exactly when their digests are. */
export class Digest {
  private a = 0x811c9dc5
  private b = 0x9e3779b9

  text(value: string): void {
    for (let i = 0; i < value.length; i++) this.mix(value.charCodeAt(i))
  }

  number(value: number): void {
    this.text(`${value};`)
  }

  bytes(value: Uint8Array): void {
    this.number(value.length)
    for (let i = 0; i < value.length; i++) this.mix(value[i] as number)
  }

  get value(): string {
    return hex(this.a) + hex(this.b)
  }

  private mix(byte: number): void {
    this.a = Math.imul(this.a ^ byte, 0x01000193)
    this.b = (Math.imul(this.b ^ byte, 0x85ebca6b) + 0x165667b1) | 0
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
