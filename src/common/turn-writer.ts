/**
 * The write side of a byte stream as every stream shell needs it: what is written within one turn of the event loop
 * leaves in one piece, and a stream whose far end does not read is cut off before it eats the memory.
 */

/** The part of `net.Socket` and `tls.TLSSocket` that is used here. */
export interface WritableStream {
  readonly writableLength: number
  readonly writableCorked: number
  readonly destroyed: boolean
  cork(): void
  uncork(): void
  write(bytes: Uint8Array): boolean
}

export class TurnWriter {
  private readonly queueBytesMax: number
  private readonly afterTurn: (flush: () => void) => void
  private corked: WritableStream[] = []

  /**
   * `queueBytesMax`: bytes that may wait for one stream before it counts as stuck. `afterTurn` calls back once the sockets
   * that are readable now have been served: setImmediate.
   */
  constructor(queueBytesMax: number, afterTurn: (flush: () => void) => void) {
    this.queueBytesMax = queueBytesMax
    this.afterTurn = afterTurn
  }

  /** Queues `bytes`; false when the stream is stuck, in which case nothing was queued and the caller closes it. */
  write(stream: WritableStream, bytes: Uint8Array): boolean {
    if (stream.destroyed) return true
    if (stream.writableLength + bytes.length > this.queueBytesMax) return false
    if (stream.writableCorked === 0) {
      stream.cork()
      if (this.corked.push(stream) === 1) this.afterTurn(this.flush)
    }
    stream.write(bytes)
    return true
  }

  private readonly flush = (): void => {
    const streams = this.corked
    this.corked = []
    for (const stream of streams) if (!stream.destroyed) stream.uncork()
  }
}
