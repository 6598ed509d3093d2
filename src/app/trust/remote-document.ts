/**
 * The Configuration Document of a configuration server (RFC 6940 s.11.2), kept current and kept on disk: a node starts from
 * the last good one when the server is away.
 */
import { join } from 'node:path'
import { fromUtf8 } from '../../common/bytes.ts'
import { RingbridgeError } from '../../common/errors.ts'
import type { Trace } from '../../common/trace.ts'
import {
  configPlace,
  DocumentKeeper,
  keptDocument,
  type FetchOutcome,
  type HttpsPlace,
  type KeeperAction,
  type KeeperInput,
  type OverlayDocument,
} from '../../enrollment/index.ts'
import { fetchDocument } from '../../enrollment/http/index.ts'
import { Loop } from '../../reload/io/loop.ts'
import type { NodeCrypto } from '../../reload/security/index.ts'
import { ConfigError } from '../config/fault.ts'
import { KEPT_DOCUMENT } from '../config/places.ts'
import { CryptoRandom } from '../crypto-random.ts'
import { readIfThere, writePrivate } from '../files.ts'
import { unlessStopped } from '../unless-stopped.ts'
import { httpsTrust } from './enrollment-source.ts'

const TAG_FILE = 'configuration.etag'
/** A first document that does not come within this time ends the start: with a wrong URL it never would. */
const FIRST_WITHIN_MS = 60_000

export interface RemoteDocumentInit {
  readonly overlayName: string
  /** https URL; undefined: found by DNS from the overlay name. */
  readonly url: string | undefined
  /** PEM of `overlay.ca`. */
  readonly authorities: string | undefined
  /** Where the last good document is kept. */
  readonly folder: string
  /** Default 60 s. */
  readonly firstWithinMs?: number
  /** Ends the wait for a first document. */
  readonly signal?: AbortSignal
}

export class RemoteDocument {
  private readonly init: RemoteDocumentInit
  private readonly place: HttpsPlace
  private readonly trace: Trace
  private readonly keeper: DocumentKeeper
  private readonly loop: Loop<KeeperInput, KeeperAction>
  private readonly random = new CryptoRandom()
  private onAdopted: (document: OverlayDocument) => void = () => undefined
  private answered: (problem: string | undefined) => void = () => undefined

  private constructor(crypto: NodeCrypto, trace: Trace, init: RemoteDocumentInit) {
    const place = configPlace(init.overlayName, init.url)
    if (!place.ok) throw new ConfigError(`"overlay.configuration": ${place.error}`)
    this.init = init
    this.trace = trace
    this.place = place.value
    const current = lastGood(trace, init)
    this.keeper = new DocumentKeeper(
      { crypto, random: this.random },
      {
        instanceName: init.overlayName,
        current,
        etag: current === undefined ? undefined : tagOf(init, this.place),
      },
    )
    this.loop = new Loop(this.keeper, { kind: 'timeout' }, (action) => this.perform(action))
  }

  /**
   * Resolves with a document in force: fetched, or the last good one when the server does not answer. Rejects with
   * `RingbridgeError` `no_configuration` when there is neither, `STOPPED` when the signal ends the wait.
   */
  static async open(crypto: NodeCrypto, trace: Trace, init: RemoteDocumentInit): Promise<RemoteDocument> {
    const remote = new RemoteDocument(crypto, trace, init)
    try {
      await unlessStopped(remote.first(), init.signal)
    } catch (error) {
      remote.close()
      throw error
    }
    return remote
  }

  get current(): OverlayDocument {
    return this.keeper.current as OverlayDocument
  }

  /** Called with every further document that comes into force. */
  watch(onAdopted: (document: OverlayDocument) => void): void {
    this.onAdopted = onAdopted
  }

  /** Asks the server now: somebody has published a document and does not want to wait. */
  refresh(): void {
    this.loop.feed({ kind: 'start' })
  }

  /** A document that a peer sent; judged like a fetched one. */
  offer(bytes: Uint8Array): void {
    this.loop.feed({ kind: 'offered', bytes })
  }

  close(): void {
    this.loop.stop()
  }

  private async first(): Promise<void> {
    const { firstWithinMs = FIRST_WITHIN_MS, overlayName } = this.init
    const until = performance.now() + firstWithinMs
    let started = false
    for (;;) {
      const problem = await new Promise<string | undefined>((resolve) => {
        this.answered = resolve
        if (!started) this.loop.feed({ kind: 'start' })
        started = true
      })
      this.answered = () => undefined
      if (problem === undefined) return
      if (this.keeper.current !== undefined) {
        const { sequence } = this.keeper.current.parsed.configuration
        this.trace({ level: 'warn', area: 'enrollment', event: 'configuration_from_disk', sequence })
        return
      }
      if (performance.now() >= until) {
        throw new RingbridgeError(
          'no_configuration',
          `no Configuration Document of ${overlayName} from ${this.place.url.href}: ${problem}`,
        )
      }
    }
  }

  private perform(action: KeeperAction): void {
    switch (action.kind) {
      case 'fetch':
        void this.fetch(action.etag).then((outcome) => this.loop.feed({ kind: 'fetched', outcome }))
        return
      case 'adopted':
        return this.adopted(action.document, action.etag)
      case 'confirmed':
        return this.answered(undefined)
      case 'failed':
        this.trace({
          level: 'warn',
          area: 'enrollment',
          event: 'configuration_not_fetched',
          url: this.place.url.href,
          reason: action.reason,
          failures: action.failures,
        })
        return this.answered(action.reason)
    }
  }

  private fetch(etag: string | undefined): Promise<FetchOutcome> {
    const trust = httpsTrust(this.init.authorities, this.keeper.current?.parsed.configuration)
    return fetchDocument(this.place, etag, trust, this.random)
  }

  private adopted(document: OverlayDocument, etag: string | undefined): void {
    const { folder } = this.init
    const { configuration, warnings } = document.parsed
    this.trace({
      level: 'info',
      area: 'enrollment',
      event: 'configuration_fetched',
      sequence: configuration.sequence,
    })
    for (const warning of warnings) {
      this.trace({ level: 'warn', area: 'enrollment', event: 'configuration_document_warning', warning })
    }
    try {
      // The tag last: without it the document is fetched once more, with a wrong one it never would be.
      writePrivate(join(folder, TAG_FILE), '')
      writePrivate(join(folder, KEPT_DOCUMENT), document.bytes)
      if (etag !== undefined) writePrivate(join(folder, TAG_FILE), `${this.place.url.href}\n${etag}\n`)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.trace({ level: 'error', area: 'enrollment', event: 'configuration_not_kept', reason })
    }
    this.answered(undefined)
    this.onAdopted(document)
  }
}

/** The document of the last run, or undefined. */
function lastGood(trace: Trace, init: RemoteDocumentInit): OverlayDocument | undefined {
  const bytes = readIfThere(join(init.folder, KEPT_DOCUMENT))
  if (bytes === undefined) return undefined
  const kept = keptDocument(bytes, init.overlayName, Date.now())
  if (kept.ok) return kept.value
  trace({ level: 'warn', area: 'enrollment', event: 'kept_configuration_unusable', reason: kept.error })
  return undefined
}

/** The entity tag of the kept document, if it came from this very place. */
function tagOf({ folder }: RemoteDocumentInit, { url }: HttpsPlace): string | undefined {
  const bytes = readIfThere(join(folder, TAG_FILE))
  const [from, tag] = bytes === undefined ? [] : fromUtf8(bytes).split('\n')
  return from === url.href && tag !== undefined && tag !== '' ? tag : undefined
}
