import { describe, expect, it } from 'vitest'
import {
  CANDIDATE_TYPE,
  ERROR_CODE,
  FORWARDING_OPTION,
  KIND,
  MESSAGE_CODE,
  OVERLAY_LINK,
  PROBE_INFORMATION,
  answerCodeOf,
  errorName,
  isRequestCode,
  kindName,
  kindRange,
  methodName,
  overlayLinkName,
} from '../../../../src/reload/codec/index.ts'

describe('code points', () => {
  it('R6940-14.8-01 message codes', () => {
    expect(MESSAGE_CODE).toEqual({
      probeReq: 1,
      probeAns: 2,
      attachReq: 3,
      attachAns: 4,
      storeReq: 7,
      storeAns: 8,
      fetchReq: 9,
      fetchAns: 0xa,
      findReq: 0xd,
      findAns: 0xe,
      joinReq: 0xf,
      joinAns: 0x10,
      leaveReq: 0x11,
      leaveAns: 0x12,
      updateReq: 0x13,
      updateAns: 0x14,
      routeQueryReq: 0x15,
      routeQueryAns: 0x16,
      pingReq: 0x17,
      pingAns: 0x18,
      statReq: 0x19,
      statAns: 0x1a,
      appAttachReq: 0x1d,
      appAttachAns: 0x1e,
      configUpdateReq: 0x21,
      configUpdateAns: 0x22,
      error: 0xffff,
    })
    expect(methodName(0x15)).toBe('route_query_req')
    expect(methodName(0xffff)).toBe('error')
  })

  it('R6940-6.3.3-03 a request is odd, its answer one more; 0, 8000..fffe and ffff are neither', () => {
    for (const [name, code] of Object.entries(MESSAGE_CODE)) {
      expect(isRequestCode(code), name).toBe(name.endsWith('Req'))
      if (!name.endsWith('Req')) continue
      const answer = Object.entries(MESSAGE_CODE).find(([other]) => other === name.replace('Req', 'Ans'))
      expect(answerCodeOf(code)).toBe(answer?.[1])
    }
    expect([0, 0x8001, 0xfffe, 0xffff].map(isRequestCode)).toEqual([false, false, false, false])
    expect(isRequestCode(0x7fff)).toBe(true)
    expect(methodName(0)).toBe('invalid')
    expect(methodName(0x8000)).toBe('reserved')
    expect(methodName(0xfffe)).toBe('reserved')
    expect([0x05, 0x0b, 0x1b, 0x1f, 0x7fff].map(methodName)).toEqual(Array(5).fill('unassigned'))
  })

  it('R6940-14.9-01 error codes', () => {
    const names = Array.from({ length: 0x16 }, (_, code) => errorName(code))
    expect(names).toEqual([
      'invalidErrorCode',
      'unassigned',
      'Error_Forbidden',
      'Error_Not_Found',
      'Error_Request_Timeout',
      'Error_Generation_Counter_Too_Low',
      'Error_Incompatible_with_Overlay',
      'Error_Unsupported_Forwarding_Option',
      'Error_Data_Too_Large',
      'Error_Data_Too_Old',
      'Error_TTL_Exceeded',
      'Error_Message_Too_Large',
      'Error_Unknown_Kind',
      'Error_Unknown_Extension',
      'Error_Response_Too_Large',
      'Error_Config_Too_Old',
      'Error_Config_Too_New',
      'Error_In_Progress',
      'Error_Exp_A',
      'Error_Exp_B',
      'Error_Invalid_Message',
      'unassigned',
    ])
    expect(errorName(0x8000)).toBe('reserved')
    expect(errorName(0xffff)).toBe('unassigned')
    expect(ERROR_CODE.forbidden).toBe(2)
    expect(ERROR_CODE.invalidMessage).toBe(0x14)
  })

  it('R6940-14.6-01 Kind-ID ranges', () => {
    const ranges: readonly (readonly [number, string])[] = [
      [0, 'unusable'],
      [1, 'standards'],
      [0x7ffffffe, 'standards'],
      [0x7fffffff, 'unusable'],
      [0x80000000, 'expert-review'],
      [0xf0000000, 'expert-review'],
      [0xf0000001, 'private'],
      [0xfffffffd, 'private'],
      [0xfffffffe, 'unusable'],
      [0xffffffff, 'unusable'],
    ]
    for (const [kind, range] of ranges) expect(kindRange(kind), kind.toString(16)).toBe(range)
    expect([1, 2, 3, 0x10, 0x11].map(kindName)).toEqual([
      'SIP-REGISTRATION',
      'TURN-SERVICE',
      'CERTIFICATE_BY_NODE',
      'CERTIFICATE_BY_USER',
      'standards',
    ])
  })

  it('R6940-14.10-01 overlay links are 1, 3 and 4', () => {
    expect(Object.values(OVERLAY_LINK)).toEqual([1, 3, 4])
    expect([0, 2, 5, 255].map(overlayLinkName)).toEqual([undefined, undefined, undefined, undefined])
    expect([1, 3, 4].map(overlayLinkName)).toEqual(['DTLS-UDP-SR', 'DTLS-UDP-SR-NO-ICE', 'TLS-TCP-FH-NO-ICE'])
  })

  it('R6940-14.12-01 forwarding options: 0 is invalid, 255 reserved', () => {
    expect(FORWARDING_OPTION).toEqual({ invalid: 0, reserved: 255 })
  })

  it('R6940-14.8-02 experimental code points have no name to send them by', () => {
    const methods: readonly number[] = Object.values(MESSAGE_CODE)
    for (const code of [0x23, 0x24, 0x25, 0x26]) expect(methods).not.toContain(code)
    expect(Object.values(OVERLAY_LINK)).not.toContain(5)
    expect(Object.values(FORWARDING_OPTION)).not.toContain(1)
    expect(Object.values(PROBE_INFORMATION)).toEqual([1, 2, 3])
    expect(Object.values(CANDIDATE_TYPE)).toEqual([1, 2, 4])
    expect(Object.values(KIND)).toEqual([1, 2, 3, 0x10])
  })
})
