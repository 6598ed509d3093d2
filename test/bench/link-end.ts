import { tlsIdentity } from '../../src/app/trust/node-identity.ts'
import type { Credential, PeerInput } from '../../src/reload/index.ts'
import { TlsLinks } from '../../src/reload/io/tls-links.ts'
import { Link } from '../../src/reload/link/link.ts'

/** Bytes, the same limit as in the overlay's Configuration Document. */
const MESSAGE_BYTES_MAX = 64 * 1024

/**
 * A node of the overlay that has one TLS link to another and does nothing but send and count: the production shell and
 * link layer under it, no peer behind it, so that the process that loads a peer stays lighter than the peer.
 */
export class LinkEnd {
  readonly credential: Credential
  /** Node-ID that the far end of the link proved, as its certificate says. */
  farCertificate: Uint8Array = new Uint8Array(0)
  onMessage: (message: Uint8Array) => void = () => undefined
  private readonly tls: TlsLinks
  private readonly link: Link
  private readonly channel = 1
  private opened: ((outcome: string) => void) | undefined

  constructor(credential: Credential) {
    this.credential = credential
    this.tls = new TlsLinks((input) => this.take(input), tlsIdentity(credential))
    this.link = new Link(performance.now(), { maxMessageBytes: MESSAGE_BYTES_MAX })
  }

  /** Resolves once the handshake is done. */
  async open(host: string, port: number): Promise<void> {
    const outcome = await new Promise<string>((resolve) => {
      this.opened = resolve
      this.tls.open(this.channel, 'overlay', { address: host, port })
    })
    if (outcome !== 'up') throw new Error(`link to ${host}:${port}: ${outcome}`)
  }

  send(message: Uint8Array): void {
    const frame = this.link.send(performance.now(), message)
    if (frame === undefined) throw new Error('too much on the link without an ack')
    this.tls.send(this.channel, frame)
  }

  close(): Promise<void> {
    return this.tls.close()
  }

  private take(input: PeerInput): void {
    switch (input.kind) {
      case 'channelOpened':
        this.farCertificate = input.certificates[0] ?? this.farCertificate
        return this.opened?.('up')
      case 'channelFailed':
        return this.opened?.(input.reason)
      case 'channelClosed':
        throw new Error('the link was closed in the middle of the measurement')
      case 'channelData': {
        const { messages, replies, fault } = this.link.receive(performance.now(), input.bytes)
        if (fault !== undefined) throw new Error(`on the link: ${fault.kind}`)
        for (const reply of replies) this.tls.send(this.channel, reply)
        for (const message of messages) this.onMessage(message)
        return
      }
      default:
        return
    }
  }
}
