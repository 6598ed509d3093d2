/** Counts messages by method, status and transport for p2psip_sip_requests_* and p2psip_sip_responses_*. */
import { Tally } from '../../common/instruments.ts'
import { isKnownMethod } from '../message/index.ts'
import type { HopTransport } from './hop.ts'

export class Traffic {
  /** method|transport */
  readonly requestsReceived = new Tally(['REGISTER|udp', 'INVITE|udp'])
  readonly requestsSent = new Tally(['INVITE|udp'])
  /** method|code|transport */
  readonly responsesReceived = new Tally(['INVITE|200|udp'])
  readonly responsesSent = new Tally(['REGISTER|200|udp', 'INVITE|200|udp'])

  requestReceived(method: string, transport: HopTransport): void {
    this.requestsReceived.add(`${label(method)}|${transport}`)
  }

  requestSent(method: string, transport: HopTransport): void {
    this.requestsSent.add(`${label(method)}|${transport}`)
  }

  responseReceived(method: string, status: number, transport: HopTransport): void {
    this.responsesReceived.add(`${label(method)}|${status}|${transport}`)
  }

  responseSent(method: string, status: number, transport: HopTransport): void {
    this.responsesSent.add(`${label(method)}|${status}|${transport}`)
  }
}

/** Methods are text from outside; labels are a closed set. */
function label(method: string): string {
  return isKnownMethod(method) ? method : 'other'
}
