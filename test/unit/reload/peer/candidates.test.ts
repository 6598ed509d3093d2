import { describe, expect, it } from 'vitest'
import { OVERLAY_LINK, type IceCandidate } from '../../../../src/reload/codec/index.ts'
import { appAttachBody, usableAddress } from '../../../../src/reload/peer/candidates.ts'

const HERE = { address: '192.0.2.1', port: 6085 }

function candidate(overlayLink: number, port: number): IceCandidate {
  const [own] = appAttachBody({ ...HERE, port }, 'passive', 5060).candidates
  if (own === undefined) throw new Error('no candidate')
  return { ...own, overlayLink }
}

describe('candidates of a SIP flow', () => {
  it('M-24 TLS over TCP is offered and taken, also behind DTLS over UDP and whatever priority that has', () => {
    const { candidates } = appAttachBody(HERE, 'passive', 5060)
    expect(candidates.map(({ overlayLink }) => overlayLink)).toEqual([OVERLAY_LINK.tlsTcpFhNoIce])
    const dtls = { ...candidate(OVERLAY_LINK.dtlsUdpSrNoIce, 7000), priority: 0xffff_ffff }
    const tls = candidate(OVERLAY_LINK.tlsTcpFhNoIce, 7001)
    expect(usableAddress([dtls, tls])).toEqual({ address: '192.0.2.1', port: 7001 })
    expect(usableAddress([tls, dtls])).toEqual({ address: '192.0.2.1', port: 7001 })
    expect(usableAddress([dtls])).toBeUndefined()
  })

  it('a list with a candidate for ICE, or of an unknown link, is not used at all', () => {
    const tls = candidate(OVERLAY_LINK.tlsTcpFhNoIce, 7001)
    expect(usableAddress([tls, candidate(OVERLAY_LINK.dtlsUdpSr, 7002)])).toBeUndefined()
    expect(usableAddress([tls, candidate(9, 7002)])).toBeUndefined()
  })
})
