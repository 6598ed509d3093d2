/** Counts messages by method, status and transport for p2psip_sip_requests_* and p2psip_sip_responses_*. */
import { Tally, type Counter } from '../../common/instruments.ts'
import { isKnownMethod } from '../message/index.ts'
import type { HopTransport } from './hop.ts'

export class Traffic {
  /** method|transport */
  readonly requestsReceived = new Tally(['REGISTER|udp', 'INVITE|udp'])
  readonly requestsSent = new Tally(['INVITE|udp'])
  /** method|code|transport */
  readonly responsesReceived = new Tally(['INVITE|200|udp'])
  readonly responsesSent = new Tally(['REGISTER|200|udp', 'INVITE|200|udp'])

  private readonly counters = {
    requestsReceived: new CountersByMethod(this.requestsReceived),
    requestsSent: new CountersByMethod(this.requestsSent),
    responsesReceived: new CountersByMethod(this.responsesReceived),
    responsesSent: new CountersByMethod(this.responsesSent),
  }

  requestReceived(method: string, transport: HopTransport): void {
    this.counters.requestsReceived.of(method, 0, transport).count++
  }

  requestSent(method: string, transport: HopTransport): void {
    this.counters.requestsSent.of(method, 0, transport).count++
  }

  responseReceived(method: string, status: number, transport: HopTransport): void {
    this.counters.responsesReceived.of(method, status, transport).count++
  }

  responseSent(method: string, status: number, transport: HopTransport): void {
    this.counters.responsesSent.of(method, status, transport).count++
  }
}

const TRANSPORTS: readonly HopTransport[] = ['udp', 'tcp', 'tls', 'ws', 'wss', 'peer']
const STATUS_ROOM = 1_000

/** The counters of one tally, found without making their labels. Every message is counted twice, so this is felt. */
class CountersByMethod {
  private readonly tally: Tally
  /** By transport and status in one number. */
  private readonly methods = new Map<string, Map<number, Counter>>()

  constructor(tally: Tally) {
    this.tally = tally
  }

  /** `status` 0 for requests, which have none. */
  of(method: string, status: number, transport: HopTransport): Counter {
    const number = TRANSPORTS.indexOf(transport) * STATUS_ROOM + status
    return this.methods.get(method)?.get(number) ?? this.found(label(method), number, status, transport)
  }

  private found(method: string, number: number, status: number, transport: HopTransport): Counter {
    let counters = this.methods.get(method)
    if (counters === undefined) {
      counters = new Map()
      this.methods.set(method, counters)
    }
    let counter = counters.get(number)
    if (counter === undefined) {
      counter = this.tally.counter(
        status === 0 ? `${method}|${transport}` : `${method}|${status}|${transport}`,
      )
      counters.set(number, counter)
    }
    return counter
  }
}

/** Methods are text from outside; labels are a closed set. */
function label(method: string): string {
  return isKnownMethod(method) ? method : 'other'
}
