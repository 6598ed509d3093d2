/**
 * Sends HEP packets by UDP. Nobody ever waits for it: what comes while too many packets wait pushes out the oldest, and packets
 * are made and sent when the node has nothing more urgent to do.
 */
import { createSocket, type Socket } from 'node:dgram'
import { Tally } from '../../common/instruments.ts'

/** Judgement: about a second of a very busy node; each holds at most 16 kB. */
const WAITING_MAX = 2_000
/** Packets that the system has and has not sent yet; between two turns calls have their way. */
const SENDING_MAX = 50
/** Until an address is looked up again that could not be reached. */
const RETRY_MS = 5_000

export class HepSender<T> {
  /** Packets by `sent` and `dropped`. */
  readonly packets = new Tally(['sent', 'dropped'])
  private readonly bytesOf: (entry: T) => Uint8Array
  private readonly target: { readonly host: string; readonly port: number }
  private waiting: T[] = []
  private socket: Socket | undefined
  private state: 'closed' | 'opening' | 'open' | 'failed' = 'closed'
  private flushing = false
  private sending = 0
  private retry: NodeJS.Timeout | undefined

  /** `host` is an address or a name; `bytesOf` makes a packet of an entry. */
  constructor(target: { readonly host: string; readonly port: number }, bytesOf: (entry: T) => Uint8Array) {
    this.target = target
    this.bytesOf = bytesOf
  }

  /** Entries that wait. */
  get size(): number {
    return this.waiting.length
  }

  open(): void {
    const { host, port } = this.target
    this.state = 'opening'
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    this.socket = socket
    socket.unref()
    socket.on('error', () => this.fail(socket))
    socket.connect(port, host, (error?: Error) => {
      if (error !== undefined) return this.fail(socket)
      if (this.socket !== socket) return
      this.state = 'open'
      this.flush()
    })
  }

  readonly push = (entry: T): void => {
    if (this.state === 'closed') return
    if (this.waiting.length >= WAITING_MAX) {
      this.waiting.shift()
      this.packets.add('dropped')
    }
    this.waiting.push(entry)
    this.flush()
  }

  close(): Promise<void> {
    const { socket } = this
    this.state = 'closed'
    clearTimeout(this.retry)
    this.packets.add('dropped', this.waiting.length)
    this.waiting = []
    this.socket = undefined
    return new Promise((resolve) => {
      if (socket === undefined) resolve()
      else socket.close(() => resolve())
    })
  }

  private fail(socket: Socket): void {
    if (this.socket !== socket) return
    this.socket = undefined
    this.state = 'failed'
    socket.close()
    this.retry = setTimeout(() => this.open(), RETRY_MS)
    this.retry.unref()
  }

  private flush(): void {
    if (this.flushing || this.state !== 'open' || this.waiting.length === 0) return
    if (this.sending >= SENDING_MAX) return
    this.flushing = true
    setImmediate(() => {
      this.flushing = false
      this.turn()
    })
  }

  private turn(): void {
    const { socket } = this
    if (socket === undefined || this.state !== 'open') return
    for (const entry of this.waiting.splice(0, SENDING_MAX - this.sending)) {
      this.sending++
      socket.send(this.bytesOf(entry), (error) => {
        this.sending--
        this.packets.add(error === null ? 'sent' : 'dropped')
        // Nobody listens there; the name may have another address by now.
        if (error !== null) this.fail(socket)
        else this.flush()
      })
    }
    this.flush()
  }
}
