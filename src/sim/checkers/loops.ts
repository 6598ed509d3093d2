/** No message goes in circles: a request whose Via List names the peer that it reaches has been there before. */
import { decodeForwardingHeader, key } from '../../reload/index.ts'
import { messageIn } from '../frames.ts'
import type { Network } from '../network.ts'

export class LoopWatch {
  /** Messages that came a second time, all while the watch lasts. */
  count = 0
  private readonly nodeIdOf: (name: string) => Uint8Array | undefined

  constructor(network: Network, nodeIdOf: (name: string) => Uint8Array | undefined) {
    this.nodeIdOf = nodeIdOf
    network.watch(({ to, purpose, bytes }) => {
      const message = purpose === 'overlay' ? messageIn(bytes) : undefined
      if (message !== undefined) this.look(to, message)
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
