import { describe, expect, it } from 'vitest'
import { parseUri } from '../../../../src/sip/message/index.ts'
import { OwnIdentity } from '../../../../src/sip/proxy/own-identity.ts'

const DOMAIN = 'dht.example.com'
/** With one of each character that base64 has beside letters and digits, and a filling. */
const peer = { overlay: DOMAIN, hex: '00112233445566778899aabbccddeeff', gr: 'ARAAESIz+FVmd4iZqrvM3e7/~' }
const own = new OwnIdentity({ listeners: [], domains: [DOMAIN], peer })
const hop = { transport: 'peer', flow: -2, listener: 0, host: peer.hex, port: 0 } as const

describe('routes of calls between peers', () => {
  it('M-16 S3261-16.6-04 have nothing in their gr that UAs are known to change, and name us', () => {
    const route = own.recordRoute(hop, 'TOKEN', false)
    expect(route).toBe(`<sip:TOKEN@${DOMAIN};gr=ARAAESIz%2BFVmd4iZqrvM3e7%2F~;lr>`)
    const uri = parseUri(route.slice(1, -1))
    expect(uri !== undefined && own.isOwn(uri)).toBe(true)
  })

  it.each([peer.gr, 'ARAAESIz%2bFVmd4iZqrvM3e7%2f=', 'ARAAESIz+FVmd4iZqrvM3e7/%7E'])(
    'M-16 gr=%s names us however it is written',
    (gr) => {
      expect(own.isOwnGr(gr)).toBe(true)
      expect(own.isOwnGr(gr.replace('AESIz', 'aesiz'))).toBe(false)
    },
  )
})
