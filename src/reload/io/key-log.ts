import { closeSync, openSync, writeSync } from 'node:fs'

/**
 * NSS key log for tools that decrypt captures. Written synchronously: a killed process must not take the keys of its last
 * link with it.
 */
export class KeyLog {
  private file: number | undefined

  constructor(path: string) {
    this.file = openSync(path, 'a', 0o600)
  }

  write(line: Uint8Array): void {
    if (this.file !== undefined) writeSync(this.file, line)
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file)
    this.file = undefined
  }
}
