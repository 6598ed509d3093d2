/** The Configuration Document as it is served: read again when its file has been replaced. */
import { createHash } from 'node:crypto'
import { readFileIfThere } from '../io/private-file.ts'
import { versionOf } from './account-file.ts'

export interface ServedDocument {
  readonly bytes: Uint8Array
  /** Entity tag with its quotes. */
  readonly etag: string
  /** It holds the secret that admits nodes, so nobody may fetch it without proving who he is (RFC 6940 s.14.16). */
  readonly confidential: boolean
}

/** Rather too often than too seldom, as a damaged document is no reason to tell a secret. */
const SHARED_SECRET = /<[^<>]{0,64}\bshared-secret\b/

export class DocumentFile {
  private readonly file: string
  private version = ''
  private document: ServedDocument | undefined

  constructor(file: string) {
    this.file = file
  }

  /** Undefined when there is none. */
  async read(): Promise<ServedDocument | undefined> {
    const version = await versionOf(this.file)
    if (version !== this.version) {
      const bytes = await readFileIfThere(this.file)
      this.document = bytes === undefined ? undefined : served(bytes)
      this.version = version
    }
    return this.document
  }
}

function served(bytes: Uint8Array): ServedDocument {
  return {
    bytes,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`,
    confidential: SHARED_SECRET.test(Buffer.from(bytes).toString('latin1')),
  }
}

/** Whether If-None-Match names the entity (RFC 9110 s.13.1.2: weak comparison). */
export function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  return ifNoneMatch.split(',').some((each) => each.trim().replace(/^W\//, '') === etag)
}
