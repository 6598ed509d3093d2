/**
 * The server's end of the drachtio control protocol over TCP, as drachtio-srf 5.0.29 speaks it: messages are a decimal length, `#`
 * and so many bytes; fields are separated by `|`, a SIP message follows in the next lines. A stand-in: it knows what the product
 * uses (authenticate, route, ping, sip, proxy).
 */
import { randomUUID } from 'node:crypto'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** What an application tells the server. */
export interface ControlCommand {
  readonly id: string
  readonly kind: string
  readonly fields: readonly string[]
  /** Lines after the first. */
  readonly text: string
  reply(...fields: readonly string[]): void
}

export interface ControlInit {
  readonly secret: string
  /** As the server lists them: `udp/127.0.0.1:5060,…`. */
  addresses(): string
  readonly version?: string
  command(command: ControlCommand): void
}

export class DrachtioControl {
  /** Methods that the application wants to be asked about. */
  readonly routes = new Set<string>()
  /** First words that came, for tests that look at them. */
  readonly heard: string[] = []
  /** Swallows everything, as a server that hangs. */
  deaf = false
  private onRoute: (() => void) | undefined
  private readonly init: ControlInit
  private readonly server: Server
  private readonly clients = new Set<Socket>()
  private readonly authenticated = new Set<Socket>()

  constructor(init: ControlInit) {
    this.init = init
    this.server = createServer((socket) => this.accepted(socket))
  }

  /** Resolves when the application has said that it wants to be asked about this method. */
  async routed(method: string): Promise<void> {
    while (!this.routes.has(method.toLowerCase())) {
      await new Promise<void>((resolve) => {
        this.onRoute = resolve
      })
    }
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, '127.0.0.1', () => resolve())
    })
    return (this.server.address() as AddressInfo).port
  }

  get connected(): boolean {
    return this.authenticated.size > 0
  }

  /** A new request for the application; false when there is none that wants it. */
  ask(method: string, request: AskedRequest): boolean {
    const [socket] = this.authenticated
    if (socket === undefined || !this.routes.has(method.toLowerCase())) return false
    const { transaction, dialog = '', host, port, localPort, text } = request
    const meta = `network|${text.length}|udp|${host}|${port}|00:00:00.000000|${transaction}|${dialog}|127.0.0.1|${localPort}|`
    this.write(socket, `${randomUUID()}|sip|${meta}\r\n${text}`)
    return true
  }

  /** Bytes as they are, for a server that has gone mad. */
  raw(bytes: string): void {
    for (const socket of this.authenticated) socket.write(bytes)
  }

  /** The connections break; whoever comes back is welcome. */
  drop(): void {
    for (const socket of this.clients) socket.destroy()
  }

  async close(): Promise<void> {
    this.drop()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }

  private accepted(socket: Socket): void {
    this.clients.add(socket)
    let buffer = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.clients.delete(socket)
      this.authenticated.delete(socket)
      if (this.authenticated.size === 0) this.routes.clear()
    })
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk])
      for (;;) {
        const hash = buffer.indexOf('#')
        const length = hash < 0 ? 0 : Number(buffer.toString('latin1', 0, hash))
        if (hash < 0 || buffer.length < hash + 1 + length) return
        // As the real server does it: bytes, not characters.
        const message = buffer.toString('latin1', hash + 1, hash + 1 + length)
        buffer = buffer.subarray(hash + 1 + length)
        this.message(socket, message)
      }
    })
  }

  private message(socket: Socket, message: string): void {
    if (this.deaf) return
    const end = message.indexOf('\r\n')
    const [id = '', kind = '', ...fields] = (end < 0 ? message : message.slice(0, end)).split('|')
    const reply = (...parts: readonly string[]): void =>
      this.write(socket, `${randomUUID()}|response|${id}|${parts.join('|')}`)
    this.heard.push(kind)
    if (kind === 'authenticate') {
      if (fields[0] !== this.init.secret) {
        reply('NO', 'incorrect secret')
        socket.end()
        return
      }
      this.authenticated.add(socket)
      reply('OK', this.init.addresses(), this.init.version ?? 'v0.8.26', '')
    } else if (!this.authenticated.has(socket)) socket.destroy()
    else if (kind === 'route') {
      this.routes.add((fields[0] ?? '').toLowerCase())
      this.onRoute?.()
      reply('OK')
    } else if (kind === 'ping') reply('OK')
    else this.init.command({ id, kind, fields, text: end < 0 ? '' : message.slice(end + 2), reply })
  }

  private write(socket: Socket, message: string): void {
    socket.write(Buffer.from(`${message.length}#${message}`, 'latin1'))
  }
}

export interface AskedRequest {
  readonly transaction: string
  readonly dialog?: string
  readonly host: string
  readonly port: number
  readonly localPort: number
  readonly text: string
}
