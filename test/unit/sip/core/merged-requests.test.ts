import { describe, expect, it } from 'vitest'
import { MergedRequests } from '../../../../src/sip/core/merged-requests.ts'
import { parseMessage, type SipMessage } from '../../../../src/sip/message/index.ts'

function options(callId: string): SipMessage {
  const head = `OPTIONS sip:x.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n`
  const parties = `From: <sip:a@x.org>;tag=1\r\nTo: <sip:x.org>\r\nCall-ID: ${callId}\r\nCSeq: 7 OPTIONS\r\n\r\n`
  const message = parseMessage(Buffer.from(head + parties, 'latin1'))
  if (!message.ok) throw new Error(message.error.reason)
  return message.value
}

describe('requests that come by two ways', () => {
  it('are recognized by tag, Call-ID and CSeq, unless those are too long to be remembered', () => {
    const merged = new MergedRequests()
    const long = 'c'.repeat(20_000)
    for (const callId of ['short', long, 'last'])
      expect(merged.isMerged(0, options(callId), callId)).toBe(false)
    expect(merged.size).toBe(2)
    expect(merged.isMerged(1, options('short'), 'another transaction')).toBe(true)
    expect(merged.isMerged(1, options('short'), 'short')).toBe(false)
    expect(merged.isMerged(1, options(long), 'another transaction')).toBe(false)
    expect(merged.isMerged(32_001, options('short'), 'another transaction')).toBe(false)
  })
})
