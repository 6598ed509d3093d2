/** Configuration Documents that come into force while a node runs: to the machine from server or file, and from peers to disk. */
import { bytesEqual } from '../common/bytes.ts'
import type { Trace } from '../common/trace.ts'
import { compareSequence, parseConfiguration } from '../reload/config/index.ts'
import { ConfigError } from './config/fault.ts'
import { documentPlace, keptDocumentFile, overlayName } from './config/places.ts'
import type { Config } from './config/schema.ts'
import { readIfThere, readNeeded, writePrivate } from './files.ts'
import type { ConfigurationChanged, NodeLoop } from './node-loop.ts'
import type { Overlay } from './trust/overlay.ts'

export class LiveDocument {
  private readonly config: Config
  private readonly overlay: Overlay
  private readonly loop: NodeLoop
  private readonly trace: Trace
  /** What the file held when it was last read. */
  private read: Uint8Array
  private inForce: Uint8Array

  constructor(
    components: { readonly overlay: Overlay; readonly loop: NodeLoop; readonly trace: Trace },
    config: Config,
  ) {
    this.config = config
    this.overlay = components.overlay
    this.loop = components.loop
    this.trace = components.trace
    this.read = components.overlay.document
    this.inForce = components.overlay.document
    this.overlay.remote?.watch(({ bytes }) => this.offer(bytes))
  }

  /**
   * Reads the file again: `overlay sign` may have written the next sequence. The answer offers it to the machine, or asks the
   * server. Throws `ConfigError` for a file that is no document.
   */
  prepare(): () => void {
    const place = documentPlace(this.config)
    if (place.kind === 'server') return () => this.overlay.remote?.refresh()
    const bytes = readNeeded(place.file, 'overlay.configuration')
    // One that was read before is in force, or was refused with a line in the log.
    if (bytesEqual(bytes, this.read)) return () => undefined
    const parsed = parseConfiguration(bytes, overlayName(this.config))
    // What this version cannot follow is for the machine to say: it leaves such an overlay.
    if (!parsed.ok && parsed.error.kind !== 'unsupported')
      throw new ConfigError(`${place.file}: ${parsed.error.reason}`)
    return () => {
      this.read = bytes
      this.offer(bytes)
    }
  }

  /** The machine has another document in force, wherever it came from. */
  readonly changed = ({ configuration, document }: ConfigurationChanged): void => {
    const { overlay, config } = this
    this.inForce = document
    overlay.reconfigured(configuration)
    if (overlay.remote !== undefined) return overlay.remote.offer(document)
    const file = keptDocumentFile(config)
    try {
      // Nodes that share the authority's folder keep it once; and what has been signed there meanwhile stays.
      if (!this.isNewer(document, readIfThere(file))) return
      writePrivate(file, document)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.trace({ level: 'error', area: 'enrollment', event: 'configuration_not_kept', reason })
    }
  }

  private isNewer(document: Uint8Array, kept: Uint8Array | undefined): boolean {
    const name = overlayName(this.config)
    const [next, last] = [document, kept].map((bytes) => bytes && parseConfiguration(bytes, name))
    if (next?.ok !== true || last?.ok !== true) return true
    return compareSequence(next.value.configuration.sequence, last.value.configuration.sequence) > 0
  }

  private offer(document: Uint8Array): void {
    if (bytesEqual(document, this.inForce)) return
    this.loop.feed({ kind: 'peer', input: { kind: 'configuration', document } })
  }
}
