/** A small SIP phone without sound: registers, calls, answers, sends texts. For trying a deployment, not for talking. */
import { createHash, randomBytes } from 'node:crypto'
import { makeResponse, type Address, type Request, type Response, type StackOptions } from 'sip'
import { VERSION } from '../../app/version.ts'
import { credentials, isStale, pickChallenge } from './digest-client.ts'
import { Exchange } from './exchange.ts'
import { freePort } from './free-port.ts'
import { follow } from './redirected.ts'
import { addressTowards, checkConnection, tlsOptions, type TlsTrust } from './server-address.ts'

export interface PhoneSettings {
  /** user@domain. */
  readonly aor: string
  readonly username: string
  readonly password: string | undefined
  /** An IPv4 address; see `serverAddress`. */
  readonly server: { readonly host: string; readonly port: number }
  readonly transport: 'udp' | 'tcp' | 'tls'
  /** How the server's certificate is looked at, with TLS. */
  readonly tls?: TlsTrust
}

/** An established dialog, from this end. */
export interface Dialog {
  readonly callId: string
  readonly remoteTarget: string
  readonly route: { uri: string; params: Record<string, string | null> }[]
  readonly local: { uri: string; params: Record<string, string | null> }
  readonly remote: { uri: string; params: Record<string, string | null> }
  seq: number
}

export class Phone {
  readonly settings: PhoneSettings
  /** Requests that arrive; answer with `respond`. */
  onRequest: (request: Request) => void = () => undefined
  private readonly exchange: Exchange
  private readonly contact: string
  private readonly contactAt: (port: number) => string
  private readonly callId = token()
  private registerSeq = 0

  private constructor(settings: PhoneSettings, address: string, port: number) {
    this.settings = settings
    this.contactAt = (at) =>
      `sip:${settings.aor.split('@')[0] as string}@${address}:${at};transport=${settings.transport}`
    this.contact = this.contactAt(port)
    const options: StackOptions = {
      address,
      port,
      // What the library takes for itself, from now on. Not the address: a server on the same host would be that, too.
      publicAddress: `${token()}.invalid`,
      // Both, whichever it registers with: redirections may lead to the other.
      udp: settings.transport !== 'tls',
      tcp: settings.transport !== 'tls',
      ...(settings.transport === 'tls' ? { tls: tlsOptions(settings.tls), tls_port: port } : {}),
    }
    const { server, transport } = settings
    this.exchange = new Exchange(options, `${server.host}:${server.port} over ${transport}`, (request) =>
      this.onRequest(request),
    )
    // What it writes into Via, each time anew: another address than the true one is the mark of a phone behind a NAT.
    options.publicAddress = address
  }

  /** Opens a phone on a free port of the interface that reaches the server. Rejects with `NoAnswer`. */
  static async open(settings: PhoneSettings): Promise<Phone> {
    const address = await addressTowards(settings.server)
    if (settings.transport !== 'udp') await checkConnection(settings.server, settings.transport, settings.tls)
    return new Phone(settings, address, await freePort(address))
  }

  close(): void {
    this.exchange.close()
  }

  /**
   * Registers this phone for `expiresS`; 0 takes the binding away. `sameEachTime`: a phone that only registers comes back with the
   * same Contact, whatever port it has this time, so that a script which does it over and over has one binding.
   */
  register(expiresS: number, sameEachTime = false): Promise<Response> {
    const contact = sameEachTime ? this.contactAt(silentPort(this.settings)) : this.contact
    const { aor } = this.settings
    const domain = aor.slice(aor.indexOf('@') + 1)
    const from = { uri: `sip:${aor}`, params: { tag: token() } }
    return this.send((authorization) => ({
      method: 'REGISTER',
      uri: `sip:${domain}`,
      headers: {
        to: { uri: `sip:${aor}`, params: {} },
        from,
        'call-id': this.callId,
        cseq: { seq: ++this.registerSeq, method: 'REGISTER' },
        contact: [{ uri: contact, params: { expires: String(expiresS) } }],
        expires: expiresS,
        ...authorization,
      },
    }))
  }

  /**
   * Calls `target`; resolves with the final response, acknowledged, and the dialog when it was answered. Redirections that can be
   * followed are followed, and shown as progress.
   */
  async invite(
    target: string,
    onProgress: (response: Response) => void,
  ): Promise<{ response: Response; dialog?: Dialog }> {
    const from = { uri: `sip:${this.settings.aor}`, params: { tag: token() } }
    const callId = token()
    let seq = 0
    const response = await this.sendAndFollow(
      `sip:${target}`,
      (authorization, uri) => ({
        method: 'INVITE',
        uri,
        headers: {
          to: { uri: `sip:${target}`, params: {} },
          from,
          'call-id': callId,
          cseq: { seq: ++seq, method: 'INVITE' },
          contact: [{ uri: this.contact, params: {} }],
          'content-type': 'application/sdp',
          ...authorization,
        },
        content: SDP,
      }),
      onProgress,
    )
    if (response.status >= 300) return { response }
    const dialog: Dialog = {
      callId,
      remoteTarget: response.headers.contact?.[0]?.uri ?? `sip:${target}`,
      // RFC 3261 s.12.1.2: the caller takes Record-Route in reverse.
      route: [...(response.headers['record-route'] ?? [])].reverse(),
      local: from,
      remote: response.headers.to,
      seq,
    }
    this.exchange.write(this.inDialog(dialog, 'ACK', seq))
    return { response, dialog }
  }

  /** The dialog that this phone's 2xx to `request` made. */
  answeredDialog(request: Request, localTag: string): Dialog {
    return {
      callId: request.headers['call-id'],
      remoteTarget: request.headers.contact?.[0]?.uri ?? request.headers.from.uri,
      route: request.headers['record-route'] ?? [],
      local: { uri: request.headers.to.uri, params: { ...request.headers.to.params, tag: localTag } },
      remote: request.headers.from,
      seq: 0,
    }
  }

  bye(dialog: Dialog): Promise<Response> {
    return this.exchange.send(this.inDialog(dialog, 'BYE', ++dialog.seq))
  }

  message(target: string, text: string): Promise<Response> {
    const from = { uri: `sip:${this.settings.aor}`, params: { tag: token() } }
    const callId = token()
    let seq = 0
    return this.sendAndFollow(`sip:${target}`, (authorization, uri) => ({
      method: 'MESSAGE',
      uri,
      headers: {
        to: { uri: `sip:${target}`, params: {} },
        from,
        'call-id': callId,
        cseq: { seq: ++seq, method: 'MESSAGE' },
        'content-type': 'text/plain',
        ...authorization,
      },
      content: text,
    }))
  }

  /** Answers a request; a 2xx to INVITE carries a description and a Contact. */
  respond(request: Request, status: number, reason: string, tag?: string): void {
    const response = makeResponse(request, status, reason)
    if (tag !== undefined) response.headers.to.params['tag'] = tag
    if (request.method === 'INVITE' && status < 300 && status > 100) {
      response.headers.contact = [{ uri: this.contact, params: {} }]
      response.headers['record-route'] = request.headers['record-route'] ?? []
    }
    if (request.method === 'INVITE' && status >= 200 && status < 300) {
      response.headers['content-type'] = 'application/sdp'
      response.content = SDP
    }
    this.exchange.write(response)
  }

  private sendAndFollow(
    uri: string,
    build: (authorization: Record<string, unknown>, uri: string) => Request,
    onProgress: (response: Response) => void = () => undefined,
  ): Promise<Response> {
    return follow(
      { uri, route: [this.outbound] },
      this.settings.transport,
      (goal) => this.send((authorization) => build(authorization, goal.uri), onProgress, goal.route),
      onProgress,
    )
  }

  /** Sends, answers the challenge, once more when its nonce was too old, and resolves with the final response. */
  private async send(
    build: (authorization: Record<string, unknown>) => Request,
    onProgress: (response: Response) => void = () => undefined,
    route: readonly Address[] = [this.outbound],
  ): Promise<Response> {
    const { password, username } = this.settings
    let request = build({})
    let response = await this.transaction(request, onProgress, route)
    for (let tries = 0; tries < 2; tries++) {
      const { status } = response
      if ((status !== 401 && status !== 407) || password === undefined) return response
      const proxy = status === 407
      const challenge = pickChallenge(
        response.headers[proxy ? 'proxy-authenticate' : 'www-authenticate'] ?? [],
      )
      if (challenge === undefined || (tries > 0 && !isStale(challenge))) return response
      const header = proxy ? 'proxy-authorization' : 'authorization'
      const { method, uri, content: body } = request
      request = build({ [header]: [credentials(challenge, { method, uri, body }, { username, password })] })
      response = await this.transaction(request, onProgress, route)
    }
    return response
  }

  private transaction(
    request: Request,
    onProgress: (response: Response) => void,
    route: readonly Address[],
  ): Promise<Response> {
    const headers = { ...request.headers, route: [...route], 'user-agent': USER_AGENT }
    return this.exchange.send({ ...request, headers }, onProgress)
  }

  private get outbound(): Address {
    const { server, transport } = this.settings
    return { uri: `sip:${server.host}:${server.port};transport=${transport};lr`, params: {} }
  }

  private inDialog(dialog: Dialog, method: string, seq: number): Request {
    return {
      method,
      uri: dialog.remoteTarget,
      headers: {
        to: dialog.remote,
        from: dialog.local,
        'call-id': dialog.callId,
        cseq: { seq, method },
        // The library knows no sips, so where TLS goes to is said in its own way; this node's routes end at the same place.
        route: this.settings.transport === 'tls' ? [this.outbound, ...dialog.route] : [...dialog.route],
      },
    }
  }
}

/** What nodes list it as. */
const USER_AGENT = `ringbridge-phone/${VERSION}`

/** A description that any phone accepts and that asks for no sound (RFC 3264: port 9 and inactive). */
const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 9 RTP/AVP 0',
  'a=inactive',
  '',
].join('\r\n')

function token(): string {
  return randomBytes(9).toString('hex')
}

/** Port in the Contact of a phone that is not there for calls: always the same for a user at a server. */
function silentPort({ aor, server }: PhoneSettings): number {
  const digest = createHash('sha256').update(`${aor} ${server.host} ${server.port}`).digest()
  return 10_000 + (digest.readUInt16BE(0) % 10_000)
}
