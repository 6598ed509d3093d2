import { describe, expect, it } from 'vitest'
import { ERROR_CODE, MESSAGE_CODE } from '../../../../src/reload/codec/index.ts'
import {
  checkConfigurationSequence,
  ConfigurationPushes,
} from '../../../../src/reload/transactions/configuration-sequence.ts'
import { PUSH_REPEAT_MS, PUSHES_MAX } from '../../../../src/reload/transactions/constants.ts'
import {
  answerCodeOf,
  answerHeader,
  isRequest,
  responseLimitError,
  unknownCriticalExtension,
} from '../../../../src/reload/transactions/server.ts'
import { letters, node, nodeNamed } from '../forwarding/messages.ts'

/** Serial order modulo 65535, as config/sequence.ts has it. */
function compare(a: number, b: number): number {
  const distance = (a - b + 65_535) % 65_535
  return distance === 0 ? 0 : distance < 32_768 ? 1 : -1
}

function check(theirs: number, own: number, messageCode: number = MESSAGE_CODE.storeReq) {
  return checkConfigurationSequence({ messageCode, configurationSequence: theirs }, own, compare)
}

const CURRENT = { kind: 'current' }
const TOO_OLD = { kind: 'mismatch', errorCode: ERROR_CODE.configTooOld, pushDocument: true }
const TOO_NEW = { kind: 'mismatch', errorCode: ERROR_CODE.configTooNew, pushDocument: false }

describe('configuration sequence', () => {
  it('R6940-6.3.2.1-01 equal is processed, anything else is an error', () => {
    expect(check(22, 22)).toEqual(CURRENT)
    expect(check(21, 22)).toEqual(TOO_OLD)
    expect(check(23, 22)).toEqual(TOO_NEW)
  })

  it('R6940-6.3.2.1-02 an older requester is sent our document as well, a newer one is not', () => {
    expect(check(1, 2)).toMatchObject({ pushDocument: true })
    expect(check(2, 1)).toMatchObject({ pushDocument: false })
  })

  it('R6940-6.3.2.1-03 65535 is accepted in ConfigUpdate, and nowhere else', () => {
    for (const own of [0, 22, 65_534]) {
      expect(check(65_535, own, MESSAGE_CODE.configUpdateReq)).toEqual(CURRENT)
      expect(check(65_535, own)).toEqual(TOO_OLD)
    }
    expect(check(21, 22, MESSAGE_CODE.configUpdateReq)).toEqual(TOO_OLD)
  })

  it('R6940-6.3.2.1-04 after 65534 comes 0', () => {
    expect(check(0, 65_534)).toEqual(TOO_NEW)
    expect(check(65_534, 0)).toEqual(TOO_OLD)
  })

  it('R6940-6.5.4-01 one push a node and sequence, so that two nodes do not push back and forth', () => {
    const pushes = new ConfigurationPushes()
    expect(pushes.admit(0, nodeNamed('A'), 5)).toBe(true)
    expect(pushes.admit(PUSH_REPEAT_MS - 1, nodeNamed('A'), 5)).toBe(false)
    expect(pushes.admit(1, nodeNamed('B'), 5)).toBe(true)
    expect(pushes.admit(2, nodeNamed('A'), 6)).toBe(true)
    expect(pushes.admit(2 + PUSH_REPEAT_MS, nodeNamed('A'), 6)).toBe(true)
  })

  it('remembers a bounded number of nodes', () => {
    const pushes = new ConfigurationPushes()
    const nodeId = (value: number) => {
      const bytes = nodeNamed('A').slice()
      bytes.set([value >> 8, value & 0xff])
      return bytes as ReturnType<typeof nodeNamed>
    }
    for (let value = 0; value <= PUSHES_MAX; value++) pushes.admit(0, nodeId(value), 1)
    expect(pushes.admit(1, nodeId(0), 1)).toBe(true)
    expect(pushes.admit(1, nodeId(PUSHES_MAX), 1)).toBe(false)
  })
})

describe('answers', () => {
  const request = {
    overlay: 0x9aa32b8d,
    transactionId: 0xfedcba9876543210n,
    viaList: [node('A'), node('B'), node('C')],
    options: [],
  }
  const own = { configurationSequence: 22, initialTtl: 100 }

  it('R6940-6.2.2-01 R6940-6.1.2-07 R6940-6.1.2-08 goes back the way the request came, without a via list', () => {
    const header = answerHeader(request, nodeNamed('D'), own)
    expect(letters(header.destinationList)).toBe('DCBA')
    expect(header.viaList).toEqual([])
  })

  it('R6940-6.3.2-07 R6940-6.3.2-11 R6940-6.3.2-14 same transaction id, fresh ttl, no limit on its own answer', () => {
    expect(answerHeader(request, nodeNamed('D'), own)).toMatchObject({
      overlay: request.overlay,
      transactionId: request.transactionId,
      ttl: 100,
      maxResponseLength: 0,
      configurationSequence: 22,
    })
  })

  it('R6940-6.7-01 R6940-6.7-02 R6940-6.3.2-08 is unfragmented: c0000000', () => {
    expect(answerHeader(request, nodeNamed('D'), own).fragment).toBe(0xc0000000)
  })

  it('R6940-6.3.3.1-03 requests are odd, the answer is the next code up, ffff is no request', () => {
    expect([MESSAGE_CODE.pingReq, MESSAGE_CODE.pingAns, MESSAGE_CODE.error].map(isRequest)).toEqual([
      true,
      false,
      false,
    ])
    expect(answerCodeOf(MESSAGE_CODE.storeReq)).toBe(MESSAGE_CODE.storeAns)
  })

  it('R6940-6.3.2-13 longer than max_response_length: an error instead; 0 is no limit', () => {
    expect(responseLimitError(0, 1_000_000)).toBeUndefined()
    expect(responseLimitError(500, 500)).toBeUndefined()
    expect(responseLimitError(500, 501)).toBe(ERROR_CODE.incompatibleWithOverlay)
  })
})

describe('extensions', () => {
  const extension = (type: number, critical: boolean) => ({ type, critical, contents: new Uint8Array(0) })

  it('R6940-6.3.3-04 an unknown critical extension is found', () => {
    expect(unknownCriticalExtension([extension(5, false), extension(6, true)])).toMatchObject({ type: 6 })
  })

  it('R6940-6.3.3-05 unknown ones that are not critical, and known ones, are not', () => {
    expect(unknownCriticalExtension([extension(5, false)])).toBeUndefined()
    expect(unknownCriticalExtension([extension(6, true)], new Set([6]))).toBeUndefined()
    expect(unknownCriticalExtension([])).toBeUndefined()
  })
})
