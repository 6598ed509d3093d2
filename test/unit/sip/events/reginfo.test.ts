import { describe, expect, it } from 'vitest'
import { reginfoDocument } from '../../../../src/sip/events/reginfo.ts'
import { activeContact, changes, standing, type WatchedBinding } from '../../../../src/sip/events/watched.ts'
import { readReginfo } from './reginfo-reader.ts'

function binding(contact: string, over: Partial<WatchedBinding> = {}): WatchedBinding {
  return {
    contact,
    parameters: new Map(),
    instance: undefined,
    regId: undefined,
    gruuEpoch: undefined,
    gruuCseq: 1,
    q: 1000,
    callId: 'c',
    cseq: 1,
    since: 1_000,
    registeredAt: 1_000,
    expiresAt: 61_000,
    ...over,
  }
}

const document = (contacts: ReturnType<typeof standing>, gruu = false): Uint8Array =>
  reginfoDocument(8_400, {
    version: 3,
    full: true,
    aor: 'sip:alice@dht.example.com',
    registrationId: 'r1',
    registration: 'active',
    contacts,
    gruuOf: () => (gruu ? { publicUri: 'sip:a@b;gr=x&y', temporaryUri: 'sip:t~1@b;gr=x' } : undefined),
  })

describe('reginfo documents', () => {
  it('S3680-4-01 tell what is known of a contact: q, Call-ID, CSeq, time, and parameters with another name than q', () => {
    const parameters = new Map([
      ['q', '0.3'],
      ['+sip.instance', '"<urn:uuid:1>"'],
      ['audio', ''],
    ])
    const body = document(standing([binding('sip:a@10.0.0.1', { parameters, q: 300, cseq: 7 })]))
    expect(Buffer.from(body).toString('utf8').startsWith('<?xml version="1.0" encoding="UTF-8"?>')).toBe(true)
    const { contacts, ...head } = readReginfo(body)
    expect(head).toEqual({
      version: 3,
      state: 'full',
      aor: 'sip:alice@dht.example.com',
      registration: 'active',
    })
    expect(contacts[0]).toMatchObject({
      uri: 'sip:a@10.0.0.1',
      state: 'active',
      event: 'registered',
      attributes: { q: '0.3', callid: 'c', cseq: '7', 'duration-registered': '7' },
      parameters: { '+sip.instance': '"<urn:uuid:1>"', audio: '' },
    })
    expect(contacts[0]!.parameters).not.toHaveProperty('q')
  })

  it('S3680-4-01 S5627-5.2-01 name the GRUUs of a phone (RFC 5628), as long as it is bound', () => {
    const state = activeContact(binding('sip:a@10.0.0.1', { gruuCseq: 5 }), 'registered')
    expect(readReginfo(document([state], true)).contacts[0]!.gruus).toEqual({
      'pub-gruu': { uri: 'sip:a@b;gr=x&y' },
      'temp-gruu': { uri: 'sip:t~1@b;gr=x', 'first-cseq': '5' },
    })
    expect(readReginfo(document([{ ...state, active: false }], true)).contacts[0]!.gruus).toEqual({})
  })

  it('S-PA-02 are well-formed UTF-8 whatever a phone has registered', () => {
    const parameters = new Map([
      ['evil', '"]]></unknown-param><!--&\x00\x01\xff"'],
      ['umlaut', '"\xc3\xa4"'],
    ])
    const odd = binding('sip:a&b<c>"@10.0.0.1', { parameters, callId: '"><x\x07 y=\'\n' })
    const { contacts } = readReginfo(document(standing([odd])))
    expect(contacts).toHaveLength(1)
    expect(contacts[0]!.uri).toBe('sip:a&b<c>"@10.0.0.1')
    expect(contacts[0]!.parameters['umlaut']).toBe('"ä"')
    expect(contacts[0]!.parameters['evil']).toContain(']]></unknown-param><!--&')
  })

  it('S3680-4-01 what has changed: contacts that came and went, told apart by URI, instance and flow', () => {
    const one = binding('sip:a@10.0.0.1')
    const flow = (regId: string): WatchedBinding => binding('sip:a@10.0.0.2', { instance: 'i', regId })
    expect(changes([], [one], 'unregistered')).toMatchObject([{ event: 'registered', active: true }])
    expect(changes([one], [{ ...one, registeredAt: 2_000, cseq: 2 }], 'unregistered')).toEqual([])
    expect(changes([flow('1'), flow('2')], [flow('2')], 'expired')).toMatchObject([
      { event: 'expired', active: false, binding: { regId: '1' } },
    ])
    const [gone, came] = changes([one], [binding('sip:a@10.0.0.3')], 'unregistered')
    expect([gone?.event, came?.event]).toEqual(['unregistered', 'registered'])
    expect(gone?.id).not.toBe(came?.id)
    expect(standing([one, { ...one, registeredAt: 5_000 }]).map(({ event }) => event)).toEqual([
      'registered',
      'refreshed',
    ])
  })
})
