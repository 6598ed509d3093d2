import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Surrounding } from './sites.ts'

/** Debian's package `faketime` has it under the folder of the architecture. */
function library(): string | undefined {
  return readdirSync('/usr/lib')
    .map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`)
    .find((path) => existsSync(path))
}

/** A wall clock that can be set while a process runs; its timers and its monotonic clock go on as ever. */
export class Clock {
  readonly surrounding: Surrounding
  private readonly file = join(mkdtempSync(join(tmpdir(), 'ringbridge-clock-')), 'offset')

  constructor() {
    const path = library()
    this.set(0)
    this.surrounding =
      path === undefined
        ? {}
        : {
            env: {
              LD_PRELOAD: path,
              FAKETIME_TIMESTAMP_FILE: this.file,
              FAKETIME_CACHE_DURATION: '1',
              FAKETIME_DONT_FAKE_MONOTONIC: '1',
              NO_FAKE_STAT: '1',
            },
          }
  }

  /** Seconds ahead of the machine's clock; the process sees it within about a second. */
  set(offsetS: number): void {
    writeFileSync(this.file, `${offsetS < 0 ? '' : '+'}${offsetS}\n`)
  }
}
