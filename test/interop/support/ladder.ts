/**
 * SIPp scenarios written as ladders: one line for each message that a phone sends or waits for. Nothing of SIP is decided here,
 * the phone is SIPp; this only spares writing the same twenty lines of XML for every flow.
 */

/** SDP offers and answers by direction; the port tells whose it is. */
export function sdp(port: number, direction: 'sendrecv' | 'sendonly' | 'recvonly' = 'sendrecv'): string {
  return [
    'v=0',
    `o=phone ${port} 1 IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    'a=rtpmap:0 PCMU/8000',
    `a=${direction}`,
  ].join('\n')
}

export interface Content {
  readonly headers?: readonly string[]
  readonly body?: string
  /** Default: application/sdp. */
  readonly type?: string
}

export interface Waiting {
  readonly optional?: boolean
  /** Take the route set and the remote target of the dialog from this message. */
  readonly dialog?: boolean
  /** Regular expressions (POSIX) that header lines of the message, or its body, have to match; by header name with its colon, `body`, or `message` for all of it. */
  readonly check?: Readonly<Record<string, string>>
}

/** A Via of SIPp's own for a new transaction. */
export const VIA = 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport'

function message(lines: readonly string[], content: Content): string {
  const { headers = [], body, type = 'application/sdp' } = content
  const typed = body === undefined ? [] : [`Content-Type: ${type}`]
  const length = body === undefined ? 'Content-Length: 0' : 'Content-Length: [len]'
  return ['', ...lines, ...headers, ...typed, length, '', ...(body === undefined ? [] : [body]), ''].join(
    '\n',
  )
}

/** One phone in one call. Everything is sent and awaited in the order of the lines. */
export abstract class Ladder {
  protected readonly steps: string[] = []
  /** Of the request that is answered next. */
  protected lastAsked = ''
  private variables = 0

  get xml(): string {
    const used = Array.from({ length: this.variables }, (_, index) => `v${index + 1}`)
    const reference = used.length === 0 ? '' : `<Reference variables="${used.join(',')}"/>`
    return `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="ladder">\n${this.steps.join('\n')}\n${reference}</scenario>\n`
  }

  /** Waits for a response. */
  gets(status: number, waiting: Waiting = {}): this {
    return this.waits(`response="${status}"`, waiting)
  }

  /** Waits for a request. */
  asked(method: string, waiting: Waiting = {}): this {
    this.lastAsked = method
    return this.waits(`request="${method}"`, waiting)
  }

  /** Answers the request that came last, within the dialog. */
  answers(status: number, content: Content = {}): this {
    return this.sends(this.responseLines(status), content, this.repeats(status))
  }

  /** Milliseconds in which nothing is done: ringing, talking. */
  pause(milliseconds: number): this {
    this.steps.push(`  <pause milliseconds="${milliseconds}"/>`)
    return this
  }

  /** RFC 3261 s.13.3.1.4: what accepts an INVITE is sent until the ACK comes. */
  protected repeats(status: number): boolean {
    return this.lastAsked === 'INVITE' && status >= 200
  }

  protected responseLines(status: number): string[] {
    return [
      `SIP/2.0 ${status} ${REASONS[status] ?? 'Other'}`,
      '[last_Via:]',
      '[last_From:]',
      '[last_To:]',
      '[last_Call-ID:]',
      '[last_CSeq:]',
      'Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>',
    ]
  }

  protected sends(lines: readonly string[], content: Content, retransmitted: boolean): this {
    const retrans = retransmitted ? ' retrans="500"' : ''
    const other = content.headers?.some((line) => line.startsWith('Contact:')) ?? false
    const all = other ? lines.filter((line) => !line.startsWith('Contact:')) : lines
    this.steps.push(`  <send${retrans}><![CDATA[\n${message(all, content)}\n]]></send>`)
    return this
  }

  protected waits(
    what: string,
    { optional, dialog, check }: Waiting,
    captures: readonly string[] = [],
  ): this {
    const flags = `${optional === true ? ' optional="true"' : ''}${dialog === true ? ' rrs="true"' : ''}`
    const checks = Object.entries(check ?? {}).map(([where, pattern]) => {
      const place = PLACES[where] ?? `search_in="hdr" header="${where}"`
      this.variables++
      return `<ereg regexp="${escaped(pattern)}" ${place} check_it="true" assign_to="v${this.variables}"/>`
    })
    const actions = [...checks, ...captures]
    this.steps.push(
      actions.length === 0
        ? `  <recv ${what}${flags}/>`
        : `  <recv ${what}${flags}><action>${actions.join('')}</action></recv>`,
    )
    return this
  }
}

const PLACES: Readonly<Record<string, string>> = { body: 'search_in="body"', message: 'search_in="msg"' }

export const REASONS: Readonly<Record<number, string>> = {
  180: 'Ringing',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  302: 'Moved Temporarily',
  480: 'Temporarily Unavailable',
  486: 'Busy Here',
  487: 'Request Terminated',
  603: 'Decline',
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}
