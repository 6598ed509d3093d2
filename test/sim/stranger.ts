/**
 * Somebody with a valid certificate who speaks RELOAD by hand: opens one link to a peer, sends whatever a test makes up and
 * keeps what comes back. Acks are sent as any link would.
 */
import {
  decodeErrorResponse,
  decodeMessage,
  encodeContents,
  encodeMessage,
  fragmentsOf,
  FRAGMENT_NONE,
  HeaderView,
  MESSAGE_CODE,
  overlayHash,
  signMessage,
  type Certificate,
  type Credential,
  type Destination,
  type Message,
} from '../../src/reload/index.ts'
import { Link } from '../../src/reload/link/link.ts'
import type { Overlay, SimPeer } from '../../src/sim/overlay.ts'

export interface HandMade {
  readonly code: number
  readonly body: Uint8Array
  readonly destinations: readonly Destination[]
  readonly credential?: Credential
  /** Sent along with the signer's own. */
  readonly certificates?: readonly Certificate[]
  readonly viaList?: readonly Destination[]
  readonly transactionId?: bigint
  readonly sequence?: number
  readonly ttl?: number
  /** Bytes of a frame; a larger message goes in fragments, the last one first. */
  readonly mtu?: number
}

export class Stranger {
  readonly credential: Credential
  readonly received: Message[] = []
  closed = false
  private readonly overlay: Overlay
  private readonly name: string
  private link: Link | undefined
  private nextId = 1n

  constructor(
    overlay: Overlay,
    peer: SimPeer,
    credential: Credential,
    purpose: 'overlay' | 'application' = 'overlay',
  ) {
    this.overlay = overlay
    this.credential = credential
    this.name = `stranger ${overlay.world.events} ${credential.certificate.userName}`
    const address = { address: '10.200.0.1', port: 1_000 + (overlay.world.events % 60_000) }
    overlay.network.attach({
      name: this.name,
      addresses: { overlay: address, application: { ...address, address: '10.200.0.2' } },
      certificates: [credential.certificate.der],
      input: (input) => {
        if (input.kind === 'channelOpened')
          this.link = new Link(overlay.world.now.ms, { maxMessageBytes: 60_000 })
        if (input.kind === 'channelClosed' || input.kind === 'channelFailed') this.closed = true
        if (input.kind === 'channelData') this.data(input.bytes)
      },
    })
    overlay.network.perform(this.name, {
      kind: 'openChannel',
      channel: 1,
      purpose,
      to: purpose === 'overlay' ? peer.address : { ...peer.address, port: 6085 },
    })
    overlay.world.run(500)
  }

  /** Sends a request; the transaction id finds its answer. */
  send(message: HandMade): bigint {
    const { overlay } = this
    const { crypto } = overlay.issuer
    const transactionId = message.transactionId ?? this.nextId++
    const hash = overlayHash(overlay.configuration.instanceName, (bytes) => crypto.hash('sha1', [bytes]))
    const contentsBytes = encodeContents({ messageCode: message.code, body: message.body, extensions: [] })
    const credential = message.credential ?? this.credential
    const security = signMessage(crypto, credential, {
      overlay: hash,
      transactionId,
      contentsBytes,
      extraCertificates: message.certificates ?? [],
    })
    const header = {
      overlay: hash,
      configurationSequence: message.sequence ?? overlay.configuration.sequence,
      ttl: message.ttl ?? overlay.configuration.initialTtl,
      fragment: FRAGMENT_NONE,
      transactionId,
      maxResponseLength: 0,
      viaList: message.viaList ?? [],
      destinationList: message.destinations,
      options: [],
    }
    const bytes = encodeMessage(header, contentsBytes, security)
    const view = HeaderView.read(bytes) as HeaderView
    for (const part of fragmentsOf(bytes, view, message.mtu ?? bytes.length).reverse()) this.raw(part)
    return transactionId
  }

  /** A message of any content, in a frame. */
  raw(message: Uint8Array): void {
    const frame = this.link?.send(this.overlay.world.now.ms, message)
    if (frame !== undefined) this.bytes(frame)
  }

  /** Anything at all on the stream. */
  bytes(bytes: Uint8Array): void {
    this.overlay.network.perform(this.name, { kind: 'sendChannel', channel: 1, bytes })
  }

  /** Gone without a word; the system closes the link. */
  vanish(): void {
    this.overlay.network.detach(this.name)
    this.closed = true
  }

  /** The answers to one request, after some virtual time. */
  answers(transactionId: bigint): Message[] {
    this.overlay.world.run(200)
    return this.received.filter(
      ({ header, contents }) =>
        header.transactionId === transactionId &&
        (contents.messageCode === MESSAGE_CODE.error || contents.messageCode % 2 === 0),
    )
  }

  /** Error code of the only answer, 0 for success, undefined for silence. */
  verdict(message: HandMade): number | undefined {
    const [answer] = this.answers(this.send(message))
    if (answer === undefined) return undefined
    if (answer.contents.messageCode !== MESSAGE_CODE.error) return 0
    const error = decodeErrorResponse(answer.contents.body)
    return error.ok ? error.value.errorCode : -1
  }

  private data(bytes: Uint8Array): void {
    const receipt = this.link?.receive(this.overlay.world.now.ms, bytes)
    for (const reply of receipt?.replies ?? []) {
      this.overlay.network.perform(this.name, { kind: 'sendChannel', channel: 1, bytes: reply })
    }
    for (const message of receipt?.messages ?? []) {
      const decoded = decodeMessage(message)
      if (decoded.ok) this.received.push(decoded.value)
    }
  }
}
