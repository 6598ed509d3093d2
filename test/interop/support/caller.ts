import { Ladder, VIA, type Content } from './ladder.ts'

/** The phone that begins: field0 is its user, field1 its credentials. */
export class Caller extends Ladder {
  private readonly to: string
  private sequence = 0
  private inviteSequence = 0
  /** Number of the message that the INVITE is, from which SIPp makes its branch. */
  private inviteStep = 0

  /** `to` as it stands in the Request-URI and in To. */
  constructor(to = 'sip:[callee]@[domain]') {
    super()
    this.to = to
  }

  /** A request outside of a dialog, with the digest challenge answered; without one for those who are not asked. */
  begins(method: string, content: Content = {}, challenge: 401 | 407 | 'none' = 407): this {
    this.outside(method, content, [])
    if (challenge === 'none')
      return method === 'INVITE' ? this.waits('response="100"', { optional: true }) : this
    if (method === 'INVITE') this.waits('response="100"', { optional: true })
    this.waits(`response="${challenge}" auth="true"`, {})
    if (method === 'INVITE') this.ackFailure()
    this.outside(method, content, ['[field1]'])
    return method === 'INVITE' ? this.waits('response="100"', { optional: true }) : this
  }

  /** A request in the dialog. */
  asks(method: string, content: Content = {}): this {
    if (method !== 'ACK') this.sequence++
    if (method === 'INVITE') this.invites()
    const sequence = method === 'ACK' ? this.inviteSequence : this.sequence
    const lines = [
      `${method} [next_url] SIP/2.0`,
      VIA,
      '[routes]',
      'Max-Forwards: 70',
      'From: <sip:[field0]@[domain]>;tag=[call_number]',
      '[last_To:]',
      'Call-ID: [call_id]',
      `CSeq: ${sequence} ${method}`,
      'Contact: <sip:[field0]@[local_ip]:[local_port];transport=[transport]>',
    ]
    return this.sends(lines, content, method !== 'ACK')
  }

  /** ACK of a final response other than 2xx: part of the INVITE's transaction. */
  ackFailure(): this {
    const lines = [
      `ACK ${this.to} SIP/2.0`,
      this.viaOfInvite(),
      'Max-Forwards: 70',
      'From: <sip:[field0]@[domain]>;tag=[call_number]',
      '[last_To:]',
      'Call-ID: [call_id]',
      `CSeq: ${this.inviteSequence} ACK`,
    ]
    return this.sends(lines, {}, false)
  }

  /** CANCEL of the INVITE. */
  cancels(): this {
    const lines = [
      `CANCEL ${this.to} SIP/2.0`,
      this.viaOfInvite(),
      'Max-Forwards: 70',
      'From: <sip:[field0]@[domain]>;tag=[call_number]',
      `To: <${this.to}>`,
      'Call-ID: [call_id]',
      `CSeq: ${this.inviteSequence} CANCEL`,
    ]
    return this.sends(lines, {}, true)
  }

  private viaOfInvite(): string {
    return VIA.replace('[branch]', `[branch-${this.steps.length - this.inviteStep}]`)
  }

  private invites(): void {
    this.inviteSequence = this.sequence
    this.inviteStep = this.steps.length
  }

  private outside(method: string, content: Content, credentials: readonly string[]): void {
    this.sequence++
    if (method === 'INVITE') this.invites()
    const target = method === 'REGISTER' ? 'sip:[domain]' : this.to
    const lines = [
      `${method} ${target} SIP/2.0`,
      VIA,
      'Max-Forwards: 70',
      'From: <sip:[field0]@[domain]>;tag=[call_number]',
      `To: <${this.to}>`,
      'Call-ID: [call_id]',
      `CSeq: ${this.sequence} ${method}`,
      'Contact: <sip:[field0]@[local_ip]:[local_port];transport=[transport]>',
      ...credentials,
    ]
    this.sends(lines, content, true)
  }
}
