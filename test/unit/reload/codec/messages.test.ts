import { describe, expect, it } from 'vitest'
import { fromUtf8, toHex } from '../../../../src/common/bytes.ts'
import type { Result } from '../../../../src/common/errors.ts'
import {
  EMPTY_BODY,
  MESSAGE_CODE,
  decodeAppAttachReqAns,
  decodeAttachReqAns,
  decodeChordLeaveData,
  decodeChordRouteQueryAns,
  decodeChordUpdate,
  decodeConfigUpdateReq,
  decodeEmptyBody,
  decodeErrorResponse,
  decodeJoinAns,
  decodeJoinReq,
  decodeLeaveReq,
  decodePingAns,
  decodePingReq,
  decodeProbeAns,
  decodeProbeReq,
  decodeRouteQueryReq,
  decodeUnknownKinds,
  encodeAppAttachReqAns,
  encodeAttachReqAns,
  encodeChordLeaveData,
  encodeChordRouteQueryAns,
  encodeChordUpdate,
  encodeConfigUpdateReq,
  encodeErrorResponse,
  encodeJoinAns,
  encodeJoinReq,
  encodeLeaveReq,
  encodePingAns,
  encodePingReq,
  encodeProbeAns,
  encodeProbeReq,
  encodeRouteQueryReq,
  encodeUnknownKinds,
  invalidMessage,
} from '../../../../src/reload/codec/index.ts'
import type { DecodeFailure, IceCandidate } from '../../../../src/reload/codec/index.ts'
import { bytes, failure, hex, node, nodeHex, value } from './wire.ts'

/** The value and the bytes belong to each other, both ways. */
function same<T>(
  text: string,
  expected: T,
  decode: (input: Uint8Array) => Result<T, DecodeFailure>,
  encode: (input: T) => Uint8Array,
): void {
  expect(value(decode(bytes(text)))).toEqual(expected)
  expect(toHex(encode(expected))).toBe(hex(text))
}

const empty = bytes('')

describe('Join, Leave, Update', () => {
  it('R6940-6.4.2.1-01 JoinReq and JoinAns; no overlay data is 0000', () => {
    same(
      `${nodeHex(1)} 0000`,
      { joiningPeerId: node(1), overlaySpecificData: empty },
      decodeJoinReq,
      encodeJoinReq,
    )
    same('0000', { overlaySpecificData: empty }, decodeJoinAns, encodeJoinAns)
    same('0002 aabb', { overlaySpecificData: bytes('aabb') }, decodeJoinAns, encodeJoinAns)
    expect(decodeJoinReq(bytes(`${nodeHex(1)} 0000 00`)).ok).toBe(false)
    expect(decodeJoinReq(bytes(`${nodeHex(1)}`)).ok).toBe(false)
  })

  it('R6940-6.4.2.2-01 LeaveReq holds ChordLeaveData in its opaque data; answers may be empty', () => {
    const data = encodeChordLeaveData({ type: 1, nodes: [node(2)] })
    same(
      `${nodeHex(1)} 0013 01 0010 ${nodeHex(2)}`,
      { leavingPeerId: node(1), overlaySpecificData: data },
      decodeLeaveReq,
      encodeLeaveReq,
    )
    expect(decodeEmptyBody(EMPTY_BODY).ok).toBe(true)
    expect(decodeEmptyBody(bytes('00')).ok).toBe(false)
  })

  it('R6940-10.9-01 ChordLeaveData is a type and one list', () => {
    const nodes = [node(2), node(3)]
    same(
      `01 0020 ${nodeHex(2)} ${nodeHex(3)}`,
      { type: 1, nodes },
      decodeChordLeaveData,
      encodeChordLeaveData,
    )
    same('02 0000', { type: 2, nodes: [] }, decodeChordLeaveData, encodeChordLeaveData)
  })

  it('R6940-10.7-01 ChordUpdate has 0, 2 or 3 lists', () => {
    same('0000000a 01', { kind: 'peerReady', uptime: 10 }, decodeChordUpdate, encodeChordUpdate)
    same(
      `ffffffff 02 0010 ${nodeHex(1)} 0020 ${nodeHex(2)} ${nodeHex(3)}`,
      { kind: 'neighbors', uptime: 0xffffffff, predecessors: [node(1)], successors: [node(2), node(3)] },
      decodeChordUpdate,
      encodeChordUpdate,
    )
    same(
      `00000000 03 0000 0000 0010 ${nodeHex(4)}`,
      { kind: 'full', uptime: 0, predecessors: [], successors: [], fingers: [node(4)] },
      decodeChordUpdate,
      encodeChordUpdate,
    )
    expect(decodeChordUpdate(bytes('0000000a 01 0000')).ok).toBe(false)
    expect(decodeChordUpdate(bytes('0000000a 02 0000')).ok).toBe(false)
    expect(decodeChordUpdate(bytes('0000000a 03 0000 0000')).ok).toBe(false)
  })

  it('R6940-6.3.1.1-06 an unknown selector of a closed structure fails the whole', () => {
    expect(failure(decodeChordUpdate(bytes('0000000a 04'))).reason).toContain('ChordUpdate of type 4')
    expect(decodeChordUpdate(bytes('0000000a 00')).ok).toBe(false)
    expect(decodeChordLeaveData(bytes('03 0000')).ok).toBe(false)
    expect(decodeChordLeaveData(bytes('00 0000')).ok).toBe(false)
    for (const type of ['00', '03', '05']) {
      const candidate = `01 06 c0000201 17c4 04 00 00000000 ${type} 0000`
      expect(decodeAttachReqAns(bytes(`00 00 00 0011 ${candidate} 00`)).ok, type).toBe(false)
    }
  })
})

describe('RouteQuery, Probe, Ping', () => {
  it('R6940-6.4.2.4.1-01 RouteQueryReq is a Boolean, one Destination and opaque data', () => {
    const request = {
      sendUpdate: true,
      destination: { kind: 'node', nodeId: node(1) },
      overlaySpecificData: empty,
    } as const
    same(`01 01 10 ${nodeHex(1)} 0000`, request, decodeRouteQueryReq, encodeRouteQueryReq)
    const short = {
      ...request,
      sendUpdate: false,
      destination: { kind: 'opaque', id: bytes('8001'), short: true },
    } as const
    same('00 8001 0000', short, decodeRouteQueryReq, encodeRouteQueryReq)
    expect(decodeRouteQueryReq(bytes('02 8001 0000')).ok).toBe(false)
  })

  it('R6940-10.8-01 ChordRouteQueryAns is one raw Node-ID', () => {
    same(nodeHex(9), { nextPeer: node(9) }, decodeChordRouteQueryAns, encodeChordRouteQueryAns)
    expect(decodeChordRouteQueryAns(bytes(`${nodeHex(9)} 00`)).ok).toBe(false)
  })

  it('R6940-6.4.2.5.1-01 ProbeReq is a list of one-byte types behind one length byte', () => {
    same('03 010203', { requestedInfo: [1, 2, 3] }, decodeProbeReq, encodeProbeReq)
    same('00', { requestedInfo: [] }, decodeProbeReq, encodeProbeReq)
    same('01 c8', { requestedInfo: [200] }, decodeProbeReq, encodeProbeReq)
  })

  it('R6940-6.4.2.5.2-01 ProbeAns; an unknown type is stepped over and kept', () => {
    same(
      '000f 01 04 3b9aca00 63 01 ff 03 04 00000005',
      {
        probeInfo: [
          { type: 1, value: bytes('3b9aca00') },
          { type: 0x63, value: bytes('ff') },
          { type: 3, value: bytes('00000005') },
        ],
      },
      decodeProbeAns,
      encodeProbeAns,
    )
    expect(decodeProbeAns(bytes('0005 01 03 000000')).ok).toBe(false)
    expect(decodeProbeAns(bytes('0005 63 04 000000')).ok).toBe(false)
  })

  it('R6940-6.5.3.1-01 PingReq padding from nothing to 65535 bytes', () => {
    same('0000', { padding: empty }, decodePingReq, encodePingReq)
    same('0003 000102', { padding: bytes('000102') }, decodePingReq, encodePingReq)
    const largest = new Uint8Array(65535)
    expect(value(decodePingReq(encodePingReq({ padding: largest }))).padding).toEqual(largest)
    expect(() => encodePingReq({ padding: new Uint8Array(65536) })).toThrow(RangeError)
  })

  it('R6940-6.5.3.2-01 PingAns is two 64-bit integers', () => {
    same(
      'ffffffffffffffff 0000018bcfe56800',
      { responseId: 0xffff_ffff_ffff_ffffn, time: 1_700_000_000_000n },
      decodePingAns,
      encodePingAns,
    )
    expect(decodePingAns(bytes('0000000000000001 00000000000000')).ok).toBe(false)
  })
})

describe('Attach, AppAttach', () => {
  const host: IceCandidate = {
    addressPort: { kind: 'ipv4', address: '192.0.2.1', port: 6084 },
    overlayLink: 4,
    foundation: bytes('31'),
    priority: 0x7effffff,
    candidateType: 1,
    relatedAddress: undefined,
    extensions: [],
  }
  const hostHex = '01 06 c0000201 17c4 04 01 31 7effffff 01 0000'

  it('R6940-6.5.1.1-01 R6940-6.5.1.1-05 ufrag, password, role, candidates, send_update, the same both ways', () => {
    same(
      `02 7566 03 707764 07 70617373697665 0012 ${hostHex} 01`,
      {
        ufrag: bytes('7566'),
        password: bytes('707764'),
        role: bytes('70617373697665'),
        candidates: [host],
        sendUpdate: true,
      },
      decodeAttachReqAns,
      encodeAttachReqAns,
    )
  })

  it('R6940-6.5.1.1-02 a related address with srflx and relay only, then extensions', () => {
    const related = { kind: 'ipv4', address: '10.0.0.1', port: 9 } as const
    for (const candidateType of [2, 4]) {
      const candidate: IceCandidate = {
        ...host,
        candidateType,
        relatedAddress: related,
        extensions: [{ name: bytes('6e'), value: bytes('') }],
      }
      same(
        `00 00 00 001f 01 06 c0000201 17c4 04 01 31 7effffff 0${candidateType} 01 06 0a000001 0009 0005 0001 6e 0000 00`,
        { ufrag: empty, password: empty, role: empty, candidates: [candidate], sendUpdate: false },
        decodeAttachReqAns,
        encodeAttachReqAns,
      )
    }
    const attach = (candidate: IceCandidate): Uint8Array =>
      encodeAttachReqAns({
        ufrag: empty,
        password: empty,
        role: empty,
        candidates: [candidate],
        sendUpdate: false,
      })
    expect(() => attach({ ...host, relatedAddress: related })).toThrow(RangeError)
    expect(() => attach({ ...host, candidateType: 2 })).toThrow(RangeError)
  })

  it('R6940-6.3.1.1-05 R6940-14.10-01 unknown address types and overlay links do not fail the candidate list', () => {
    const unknown: IceCandidate = {
      ...host,
      addressPort: { kind: 'unknown', type: 9, data: bytes('aabb') },
      overlayLink: 77,
    }
    same(
      `00 00 00 0020 09 02 aabb 4d 01 31 7effffff 01 0000 ${hostHex} 00`,
      { ufrag: empty, password: empty, role: empty, candidates: [unknown, host], sendUpdate: false },
      decodeAttachReqAns,
      encodeAttachReqAns,
    )
  })

  it('R6940-6.5.2.1-01 AppAttach has an application and no send_update', () => {
    same(
      `01 75 01 70 13c4 06 616374697665 0012 ${hostHex}`,
      {
        ufrag: bytes('75'),
        password: bytes('70'),
        application: 5060,
        role: bytes('616374697665'),
        candidates: [host],
      },
      decodeAppAttachReqAns,
      encodeAppAttachReqAns,
    )
    expect(decodeAppAttachReqAns(bytes(`01 75 01 70 13c4 00 0000 00`)).ok).toBe(false)
  })
})

describe('ConfigUpdate', () => {
  it('R6940-6.5.4.1-01 a document, kinds, or an unknown type, behind type and length', () => {
    same(
      '01 00000005 000002 3c61',
      { kind: 'config', configData: bytes('3c61') },
      decodeConfigUpdateReq,
      encodeConfigUpdateReq,
    )
    same(
      '02 0000000a 000007 0002 3c61 0001 62',
      { kind: 'kinds', kinds: [bytes('3c61'), bytes('62')] },
      decodeConfigUpdateReq,
      encodeConfigUpdateReq,
    )
    same(
      '07 00000003 aabbcc',
      { kind: 'unknown', type: 7, data: bytes('aabbcc') },
      decodeConfigUpdateReq,
      encodeConfigUpdateReq,
    )
    for (const wrong of [
      '00 00000000',
      '01 00000006 000002 3c61 00',
      '01 00000004 000002 3c',
      '02 00000005 000002 0002',
    ]) {
      expect(decodeConfigUpdateReq(bytes(wrong)).ok, wrong).toBe(false)
    }
  })
})

describe('ErrorResponse', () => {
  it('R6940-6.3.3.1-01 message code ffff, a 16-bit code and info', () => {
    expect(MESSAGE_CODE.error).toBe(0xffff)
    same('0003 0000', { errorCode: 3, errorInfo: empty }, decodeErrorResponse, encodeErrorResponse)
    same(
      '7fff 0001 41',
      { errorCode: 0x7fff, errorInfo: bytes('41') },
      decodeErrorResponse,
      encodeErrorResponse,
    )
  })

  it('R6940-6.3.3.1-02 Error_Invalid_Message says in UTF-8 what is wrong', () => {
    const decoded = value(decodeErrorResponse(encodeErrorResponse(invalidMessage('Länge falsch'))))
    expect(decoded.errorCode).toBe(0x14)
    expect(fromUtf8(decoded.errorInfo)).toBe('Länge falsch')
  })

  it('Error_Unknown_Kind lists what fits behind one length byte', () => {
    same('08 00000001 f0000001', [1, 0xf0000001], decodeUnknownKinds, encodeUnknownKinds)
    const many = Array.from({ length: 70 }, (_, i) => i)
    expect(value(decodeUnknownKinds(encodeUnknownKinds(many)))).toEqual(many.slice(0, 63))
  })
})
