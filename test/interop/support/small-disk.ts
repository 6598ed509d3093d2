import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Running } from './processes.ts'
import type { Surrounding } from './sites.ts'

/** As root a mount namespace is enough; anybody else gets it with a user namespace. */
const OWN_USERS = process.getuid?.() !== 0

/** A file system of a few megabytes in a mount namespace of its own, which ends with the process that holds it. */
export class SmallDisk {
  /** What is started in here sees the disk; `folder` is on it. */
  readonly surrounding: Surrounding
  /** The same folder as this process sees it. */
  readonly folder: string
  private readonly holder: Running
  private readonly mountPoint: string

  private constructor(holder: Running, mountPoint: string) {
    this.holder = holder
    this.mountPoint = mountPoint
    this.folder = `/proc/${holder.pid}/root${mountPoint}/data`
    const enter = [
      'nsenter',
      '-t',
      String(holder.pid),
      '-m',
      ...(OWN_USERS ? ['-U', '--preserve-credentials'] : []),
    ]
    this.surrounding = { before: [...enter, '--'], data: `${mountPoint}/data` }
  }

  static async mount(megabytes: number): Promise<SmallDisk> {
    const mountPoint = mkdtempSync(join(tmpdir(), 'ringbridge-disk-'))
    const holder = new Running('unshare', [
      ...[
        OWN_USERS ? '-rm' : '-m',
        'sh',
        '-c',
        'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec sleep 600',
      ],
      ...['sh', `${megabytes}m`, mountPoint],
    ])
    await holder.line((line) => line === 'mounted', 'a mounted disk')
    const disk = new SmallDisk(holder, mountPoint)
    mkdirSync(disk.folder, { mode: 0o700 })
    return disk
  }

  /** Leaves no byte. */
  fill(): void {
    const file = openSync(join(this.folder, 'filler'), 'a')
    try {
      for (const size of [1_048_576, 4_096]) {
        while (written(file, Buffer.alloc(size)) === size);
      }
    } finally {
      closeSync(file)
    }
  }

  makeRoom(): void {
    rmSync(join(this.folder, 'filler'))
  }

  async release(): Promise<void> {
    await this.holder.stop('SIGKILL')
    rmSync(this.mountPoint, { recursive: true, force: true })
  }
}

/** Bytes that there was room for. */
function written(file: number, bytes: Buffer): number {
  try {
    return writeSync(file, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return 0
    throw error
  }
}
