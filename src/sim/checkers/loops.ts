/** No message goes in circles: a request whose Via List names the peer that it reaches has been there before. */
import { decodeForwardingHeader, key } from '../../reload/index.ts'
import type { Network } from '../network.ts'

/** RFC 6940 s.6.6.2: type, sequence and length of a data frame. */
const DATA_FRAME = 0x80
const FRAME_HEADER_BYTES = 8

export class LoopWatch {
  /** Messages that came a second time, all while the watch lasts. */
  count = 0
  private readonly nodeIdOf: (name: string) => Uint8Array | undefined

  constructor(network: Network, nodeIdOf: (name: string) => Uint8Array | undefined) {
    this.nodeIdOf = nodeIdOf
    network.watch(({ to, purpose, bytes }) => {
      if (purpose === 'overlay' && bytes[0] === DATA_FRAME) this.look(to, bytes.subarray(FRAME_HEADER_BYTES))
    })
  }

  private look(to: string, message: Uint8Array): void {
    const nodeId = this.nodeIdOf(to)
    const header = decodeForwardingHeader(message)
    if (nodeId === undefined || !header.ok) return
    const own = key(nodeId)
    if (header.value.viaList.some((via) => via.kind === 'node' && key(via.nodeId) === own)) this.count++
  }
}
