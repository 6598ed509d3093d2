/**
 * The drachtio server as the SIP core sees it: its questions become inputs, decisions become its commands. Decides nothing.
 */
import { Tally } from '../../../common/instruments.ts'
import type { Trace } from '../../../common/trace.ts'
import type { SipInput, Transport } from '../../core/contract.ts'
import type { Decision } from '../../engine/index.ts'
import { ControlConnection, type ControlInit } from './control-connection.ts'
import { quietConsole } from './quiet-console.ts'
import type { SrfRequest, SrfResponse } from './srf.ts'

/** Questions without an answer at one time; the server forgets each after 64 s. */
const QUESTIONS_MAX = 50_000

interface Question {
  readonly request: SrfRequest
  readonly response: SrfResponse
}

export class DrachtioShell {
  /** p2psip_engine_failures_total by reason. */
  readonly failures = new Tally(['refused', 'lost', 'overload'])
  private readonly connection: ControlConnection
  private readonly trace: Trace
  private loud: () => void = () => undefined
  private readonly feed: (input: SipInput) => void
  private readonly questions = new Map<number, Question>()
  /** Requests that the server forwards. */
  private readonly forwarding = new Set<number>()
  private nextId = 1

  constructor(feed: (input: SipInput) => void, init: ControlInit, trace: Trace) {
    this.feed = feed
    this.trace = trace
    this.connection = new ControlConnection(
      {
        up: (addresses) => this.feed({ kind: 'frontUp', addresses }),
        down: () => this.down(),
        request: (request, response) => this.asked(request, response),
      },
      init,
      trace,
    )
  }

  open(): void {
    this.loud = quietConsole(this.trace)
    this.connection.open()
  }

  close(): void {
    this.connection.close()
    this.loud()
  }

  /** Why the server cannot be used; undefined while it can. */
  get fault(): string | undefined {
    return this.connection.fault
  }

  get reconnects(): number {
    return this.connection.reconnects
  }

  get waiting(): number {
    return this.questions.size
  }

  /** What the core has decided. Nobody may be waiting for it any more. */
  decide(id: number, decision: Decision): void {
    const question = this.questions.get(id)
    if (question === undefined) return
    this.questions.delete(id)
    const { request, response } = question
    switch (decision.kind) {
      case 'respond': {
        const { status, reason, headers } = decision
        this.respond(response, status, reason, headers)
        return
      }
      case 'redirect': {
        const { status, reason, contacts } = decision
        const headers = contacts.map((contact) => ['Contact', contact] as const)
        this.respond(response, status, reason, headers)
        return
      }
      case 'forward':
        this.forward(id, request, decision)
        return
    }
  }

  private asked(request: SrfRequest, response: SrfResponse): void {
    if (this.questions.size >= QUESTIONS_MAX) {
      this.failures.add('overload')
      this.respond(response, 503, 'Overloaded', [['Retry-After', '10']])
      return
    }
    const id = this.nextId++
    this.questions.set(id, { request, response })
    request.on('cancel', () => {
      if (this.questions.delete(id)) this.feed({ kind: 'withdrawn', id })
    })
    this.feed({
      kind: 'asked',
      id,
      transport: transportOf(request.protocol),
      host: request.source_address,
      port: request.source_port,
      bytes: Buffer.from(request.msg.raw, 'utf8'),
    })
  }

  private respond(
    response: SrfResponse,
    status: number,
    reason: string,
    fields: readonly (readonly [string, string])[],
  ): void {
    const headers = headersOf(fields)
    const done = (error: unknown): void => {
      if (error !== null && error !== undefined) this.failures.add('refused')
    }
    try {
      response.send(status, reason, { headers }, done)
    } catch {
      // It knows not every status (RFC 5393's 440 for one); the first of the class says the same to whoever does not either.
      response.send(status - (status % 100), reason, { headers }, done)
    }
  }

  private forward(id: number, request: SrfRequest, decision: Extract<Decision, { kind: 'forward' }>): void {
    const { targets, atOnce, stay, headers } = decision
    this.forwarding.add(id)
    const over = (status: number): void => {
      if (this.forwarding.delete(id)) this.feed({ kind: 'carriedOut', id, status })
    }
    const options = {
      destination: [...targets],
      forking: atOnce ? ('simultaneous' as const) : ('sequential' as const),
      remainInDialog: stay,
      headers: headersOf(headers),
    }
    try {
      request.proxy(options, (error, result) => {
        // What the server cannot send it answers itself.
        if (error !== null && error !== undefined) this.failures.add('refused')
        over(result?.finalStatus ?? 503)
      })
    } catch {
      // The socket has gone a moment ago; drachtio-srf tells that later than it knows.
      this.failures.add('lost')
      over(503)
    }
  }

  private down(): void {
    const lost = this.questions.size + this.forwarding.size
    if (lost > 0) this.failures.add('lost', lost)
    this.questions.clear()
    this.forwarding.clear()
    this.feed({ kind: 'frontDown' })
  }
}

/** drachtio-srf takes one value a name: those of one name are joined, and none may begin a line of its own. */
function headersOf(fields: readonly (readonly [string, string])[]): Record<string, string> {
  const joined = new Map<string, string>()
  for (const [name, value] of fields) {
    const before = joined.get(name)
    const line = value.replace(/[\r\n]+/g, ' ')
    joined.set(name, before === undefined ? line : `${before}, ${line}`)
  }
  return Object.fromEntries(joined)
}

function transportOf(protocol: string): Transport {
  switch (protocol) {
    case 'udp':
    case 'tls':
    case 'ws':
    case 'wss':
      return protocol
    default:
      return 'tcp'
  }
}
