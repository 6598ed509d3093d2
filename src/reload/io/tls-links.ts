/**
 * TLS over TCP for overlay links and application flows (RFC 6940 s.6.5.1, no-ICE): opens, accepts and carries bytes. What a
 * certificate is worth is the core's judgement; this shell only makes sure that there is one.
 */
import { isIP } from 'node:net'
import {
  connect,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'
import { Histogram, SECONDS_BUCKETS, Tally } from '../../common/instruments.ts'
import type { Millis } from '../../common/time.ts'
import { TurnWriter } from '../../common/turn-writer.ts'
import type { ChannelId, ChannelPurpose, PeerInput, TransportAddress } from '../peer/contract.ts'
import { KeyLog } from './key-log.ts'
import { chainOf, secureOptions, type TlsIdentity } from './tls-identity.ts'
import { TLS_LIMITS, TlsListeners, type TlsLimits } from './tls-listeners.ts'
import { TurnBudget } from './turn-budget.ts'

export { TLS_LIMITS, type TlsLimits }

/**
 * Judgement: what all links together may keep a turn of the event loop busy with before phones are served again. What one read
 * brings is not divided: 64 KiB, some dozens of signatures.
 */
const READING_MS = 8

const STAGES = ['tls|tcp', 'tls|tls', 'tls|no_certificate', 'tls|stuck', 'tls|limit']

interface Channel {
  readonly socket: TLSSocket
  readonly purpose: ChannelPurpose
  open: boolean
  stage: 'tcp' | 'tls' | 'up'
  reason: string
  /** What it brought waits for its turn; it brings no more until then. */
  waits: boolean
}

/** What is known of a channel once its handshake is over. */
interface Secured {
  readonly purpose: ChannelPurpose
  readonly role: 'client' | 'server'
  readonly remote: TransportAddress
  readonly handshakeMs: number | undefined
}

export class TlsLinks {
  /** transport|stage of links that failed. */
  readonly failures = new Tally(STAGES)
  readonly setupSeconds = new Histogram(SECONDS_BUCKETS, ['tls'])
  private readonly sink: (input: PeerInput) => void
  private secureOptions: SecureContextOptions
  /** For the client side: made once, because reading keys costs more than the rest of a handshake. */
  private context: SecureContext
  private limits: TlsLimits
  private readonly writer: TurnWriter
  private readonly reading = new TurnBudget(READING_MS, setImmediate)
  private readonly keyLog: KeyLog | undefined
  private readonly listeners: TlsListeners
  private readonly channels = new Map<ChannelId, Channel>()
  /** Even ids are ours; odd ones are named by the core. */
  private nextChannel: ChannelId = 2

  /** `keyLogFile`: NSS key log for tools that decrypt captures; it makes every link readable, so it is off unless asked for. */
  constructor(
    sink: (input: PeerInput) => void,
    identity: TlsIdentity,
    options: { readonly limits?: TlsLimits; readonly keyLogFile?: string | undefined } = {},
  ) {
    this.sink = sink
    this.limits = options.limits ?? TLS_LIMITS
    this.writer = new TurnWriter(this.limits.queueBytesMax, setImmediate)
    this.secureOptions = secureOptions(identity)
    this.context = createSecureContext(this.secureOptions)
    this.keyLog = options.keyLogFile === undefined ? undefined : new KeyLog(options.keyLogFile)
    this.listeners = new TlsListeners(this.limits, this.failures, {
      secured: (purpose, socket, handshakeMs) => this.accept(purpose, socket, handshakeMs),
      keylog: (line) => this.keyLog?.write(line),
    })
  }

  /** New links show this identity; those that are up keep what they have shown. */
  renew(identity: TlsIdentity): void {
    this.secureOptions = secureOptions(identity)
    this.context = createSecureContext(this.secureOptions)
    this.listeners.renew(this.secureOptions)
  }

  /** From now on; connections that are there stay. */
  limit(limits: Pick<TlsLimits, 'connectionsMax' | 'connectionsPerSourceMax'>): void {
    this.limits = { ...this.limits, ...limits }
    this.listeners.limit(limits)
  }

  get active(): number {
    let up = 0
    for (const channel of this.channels.values()) if (channel.open) up++
    return up
  }

  /** Binds one listener; rejects with the system's error. */
  listen(purpose: ChannelPurpose, host: string, port: number): Promise<TransportAddress> {
    return this.listeners.listen(this.secureOptions, purpose, host, port)
  }

  /** Opens a channel that the core has named; the answer is `channelOpened` or `channelFailed`. */
  open(id: ChannelId, purpose: ChannelPurpose, to: TransportAddress): void {
    if (isIP(to.address) === 0 || to.port < 1 || to.port > 65535) {
      queueMicrotask(() =>
        this.sink({ kind: 'channelFailed', channel: id, reason: 'not an IP address and port' }),
      )
      return
    }
    const started = performance.now()
    const socket = connect({
      host: to.address,
      port: to.port,
      secureContext: this.context,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: false,
    })
    socket.setNoDelay(true)
    const channel: Channel = {
      socket,
      purpose,
      open: false,
      stage: 'tcp',
      reason: 'closed before the handshake ended',
      waits: false,
    }
    socket.on('keylog', (line: Buffer) => this.keyLog?.write(line))
    socket.once('connect', () => {
      channel.stage = 'tls'
    })
    const deadline = setTimeout(() => {
      channel.reason = `no ${channel.stage === 'tcp' ? 'answer' : 'TLS handshake'} in time`
      socket.destroy()
    }, this.limits.handshakeTimeoutMs)
    socket.once('close', () => clearTimeout(deadline))
    socket.once('secureConnect', () => {
      clearTimeout(deadline)
      socket.setKeepAlive(true, 60_000)
      const handshakeMs = performance.now() - started
      this.setupSeconds.observe(handshakeMs / 1000, 'tls')
      this.up(id, channel, { purpose, role: 'client', remote: to, handshakeMs })
    })
    this.attach(id, channel)
  }

  send(id: ChannelId, bytes: Uint8Array): void {
    const channel = this.channels.get(id)
    if (channel === undefined || this.write(channel, bytes)) return
    this.failures.add('tls|stuck')
    channel.socket.destroy()
  }

  /**
   * What one turn writes leaves in one piece. With a key log somebody is going to look: then every frame on an overlay link
   * gets a TLS record of its own, because protocol analysers look for one frame in a record.
   */
  private write(channel: Channel, bytes: Uint8Array): boolean {
    if (channel.purpose === 'application' || this.keyLog === undefined)
      return this.writer.write(channel.socket, bytes)
    if (channel.socket.destroyed) return true
    if (channel.socket.writableLength + bytes.length > this.limits.queueBytesMax) return false
    channel.socket.write(bytes)
    return true
  }

  /** Closes after what was written has left. The core asked for it, so no `channelClosed` follows. */
  closeChannel(id: ChannelId): void {
    const channel = this.channels.get(id)
    if (channel === undefined) return
    this.channels.delete(id)
    if (!channel.open) {
      channel.socket.destroy()
      return
    }
    channel.socket.end()
    channel.socket.setTimeout(this.limits.handshakeTimeoutMs, () => channel.socket.destroy())
  }

  async close(): Promise<void> {
    const closing = this.listeners.close()
    const channels = [...this.channels.values()]
    this.channels.clear()
    for (const channel of channels) channel.socket.destroy()
    await closing
    this.keyLog?.close()
  }

  private accept(purpose: ChannelPurpose, socket: TLSSocket, handshakeMs: Millis | undefined): void {
    const { remoteAddress: address, remotePort: port } = socket
    if (address === undefined || port === undefined) {
      socket.destroy()
      return
    }
    const id = this.nextChannel
    this.nextChannel += 2
    const channel: Channel = { socket, purpose, open: false, stage: 'tls', reason: '', waits: false }
    this.attach(id, channel)
    this.up(id, channel, { purpose, role: 'server', remote: { address, port }, handshakeMs })
  }

  private up(id: ChannelId, channel: Channel, { purpose, role, remote, handshakeMs }: Secured): void {
    const certificates = chainOf(channel.socket)
    if (certificates.length === 0) {
      // Without one there is nobody to name: RFC 6940 s.6.6.1 has both ends authenticate.
      channel.reason = 'the far end shows no certificate'
      this.failures.add('tls|no_certificate')
      if (role === 'server') this.channels.delete(id)
      channel.socket.destroy()
      return
    }
    channel.open = true
    channel.stage = 'up'
    this.sink({
      kind: 'channelOpened',
      channel: id,
      purpose,
      role,
      certificates,
      remote,
      ...(handshakeMs === undefined ? {} : { handshakeMs }),
    })
  }

  private attach(id: ChannelId, channel: Channel): void {
    if (channel.purpose === 'overlay' && this.keyLog !== undefined) oneRecordAWrite(channel.socket)
    const { socket } = channel
    this.channels.set(id, channel)
    const read = (bytes: Buffer): void => {
      if (channel.waits) {
        channel.waits = false
        socket.resume()
      }
      if (channel.open && this.channels.get(id) === channel)
        this.sink({ kind: 'channelData', channel: id, bytes: plain(bytes) })
    }
    socket.on('data', (bytes: Buffer) => {
      if (this.reading.take({ run: () => read(bytes) })) return
      channel.waits = true
      socket.pause()
    })
    socket.on('end', () => socket.destroy())
    socket.on('error', (error: NodeJS.ErrnoException) => {
      channel.reason = error.code ?? error.message
    })
    const closed = (): void => {
      if (this.channels.get(id) !== channel) return
      this.channels.delete(id)
      if (channel.open) {
        this.sink({ kind: 'channelClosed', channel: id })
        return
      }
      if (channel.stage !== 'up') this.failures.add(`tls|${channel.stage}`)
      this.sink({ kind: 'channelFailed', channel: id, reason: channel.reason })
    }
    socket.on('close', () => {
      // After what it brought before.
      if (channel.waits) this.reading.take({ run: closed })
      else closed()
    })
  }
}

/** The same memory: what is cut from a Buffer is one too, at several times the cost, and its `slice` makes no copy. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Without `_writev` a stream hands over what has queued up write by write instead of joined together. */
function oneRecordAWrite(socket: TLSSocket): void {
  Object.defineProperty(socket, '_writev', { value: null })
}
