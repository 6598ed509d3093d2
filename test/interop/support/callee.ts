import { Ladder, REASONS, VIA, type Content, type Waiting } from './ladder.ts'

/** Headers of the first request by the variable that keeps them. */
const REMEMBERED = { remote: 'From:', local: 'To:', cseq: 'CSeq:' } as const

function capture(header: string, variable: string, occurrence: number): string {
  return `<ereg regexp=".*" search_in="hdr" header="${header}" occurrence="${occurrence}" assign_to="${variable}"/>`
}

/** The phone that is called. */
export class Callee extends Ladder {
  private sequence = 100
  private readonly vias: readonly string[]

  /** `vias`: how many Via headers requests have when they come here; three when the caller is at another peer. */
  constructor(vias = 3) {
    super()
    this.vias = Array.from({ length: vias }, (_, index) => `via${index + 1}`)
  }

  /** Waits for what begins the dialog and remembers who is who in it. */
  begun(method: string, waiting: Waiting = {}): this {
    this.lastAsked = method
    const captures = [
      ...Object.entries(REMEMBERED).map(([variable, header]) => capture(header, variable, 1)),
      ...this.vias.map((variable, index) => capture('Via:', variable, index + 1)),
    ]
    return this.waits(`request="${method}"`, { dialog: true, ...waiting }, captures)
  }

  /** First answers in a dialog carry its tag and the way back. */
  override answers(status: number, content: Content = {}): this {
    const lines = this.responseLines(status).map((line) =>
      line === '[last_To:]' ? '[last_To:];tag=[call_number]c' : line,
    )
    return this.sends([...lines, '[last_Record-Route:]'], content, this.repeats(status))
  }

  /** Answers what began the dialog, when other messages have come since. */
  answersFirst(status: number, content: Content = {}): this {
    const lines = [
      `SIP/2.0 ${status} ${REASONS[status] ?? 'Other'}`,
      ...this.vias.map((variable) => `Via:[$${variable}]`),
      'From:[$remote]',
      'To:[$local];tag=[call_number]c',
      'Call-ID: [call_id]',
      'CSeq:[$cseq]',
      'Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>',
    ]
    return this.sends(lines, content, status >= 200)
  }

  /** Answers to requests that carry our tag. */
  answersInside(status: number, content: Content = {}): this {
    return super.answers(status, content)
  }

  /** A request in the dialog. */
  asks(method: string, content: Content = {}): this {
    if (method !== 'ACK') this.sequence++
    const lines = [
      `${method} [next_url] SIP/2.0`,
      VIA,
      '[routes]',
      'Max-Forwards: 70',
      'From:[$local];tag=[call_number]c',
      'To:[$remote]',
      'Call-ID: [call_id]',
      `CSeq: ${this.sequence} ${method}`,
      'Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>',
    ]
    return this.sends(lines, content, method !== 'ACK')
  }

  override get xml(): string {
    return super.xml.replace(
      '</scenario>',
      `<Reference variables="${[...Object.keys(REMEMBERED), ...this.vias].join(',')}"/></scenario>`,
    )
  }
}
