import { toHex } from '../../common/bytes.ts'
import type { KindId } from './ids.ts'

/** How many bytes of an opaque field are shown; the rest is only counted. Judgement: two certificate fingerprints. */
const HEX_BYTES_MAX = 64

/** Prints one stored value of a Kind as lines, or undefined when it does not know the Kind. */
export type StoredValuePrinter = (kind: KindId, value: Uint8Array) => readonly string[] | undefined

/** Collects the indented lines of a dump. */
export class TreePrinter {
  /** The Kind whose values are being printed; set by the structures that carry one. */
  kind: KindId | undefined = undefined
  /** Something could not be read; set by whoever shows it as hex instead. */
  damaged = false
  private readonly lines: string[] = []
  private readonly storedValue: StoredValuePrinter | undefined
  private depth = 0

  constructor(storedValue?: StoredValuePrinter) {
    this.storedValue = storedValue
  }

  line(label: string, text: string): void {
    this.lines.push(`${'  '.repeat(this.depth)}${label}: ${text}`)
  }

  /** A heading with the lines that `children` prints beneath it. */
  branch(label: string, text: string, children: () => void): void {
    this.line(label, text)
    this.depth++
    children()
    this.depth--
  }

  /** The value of a DataValue: as its Kind's printer shows it, else as hex. A failing printer is shown, not thrown. */
  stored(label: string, value: Uint8Array): void {
    this.line(label, hexText(value))
    if (this.kind === undefined || this.storedValue === undefined) return
    const text = this.storedText(this.kind, value)
    for (const line of text) this.lines.push(`${'  '.repeat(this.depth + 1)}${line}`)
  }

  done(): string {
    return this.lines.join('\n')
  }

  private storedText(kind: KindId, value: Uint8Array): readonly string[] {
    try {
      return this.storedValue?.(kind, value) ?? []
    } catch (error) {
      return [`the value printer failed: ${String(error)}`]
    }
  }
}

/** Hex with the byte count; long values are cut. */
export function hexText(bytes: Uint8Array): string {
  if (bytes.length === 0) return '(empty)'
  const shown = toHex(bytes.subarray(0, HEX_BYTES_MAX))
  return `${shown}${bytes.length > HEX_BYTES_MAX ? '..' : ''} (${bytes.length} bytes)`
}

/** A field name as the RFC writes it: `storageTime` is `storage_time`. */
export function rfcName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
