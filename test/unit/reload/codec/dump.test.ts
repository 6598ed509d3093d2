import { describe, expect, it } from 'vitest'
import {
  EMPTY_BODY,
  ERROR_CODE,
  FRAGMENT_NONE,
  MESSAGE_CODE,
  dumpMessage,
  encodeAttachReqAns,
  encodeChordLeaveData,
  encodeContents,
  encodeErrorResponse,
  encodeLeaveReq,
  encodeMessage,
  encodeStoreAns,
  encodeStoreReq,
  encodeUnknownKinds,
} from '../../../../src/reload/codec/index.ts'
import type { DumpOptions } from '../../../../src/reload/codec/index.ts'
import { bytes, noSignature, node, nodeHex, resource } from './wire.ts'

function message(messageCode: number, body: Uint8Array): Uint8Array {
  const contents = encodeContents({
    messageCode,
    body,
    extensions: [{ type: 1, critical: true, contents: bytes('aa') }],
  })
  return encodeMessage(
    {
      overlay: 0x9aa32b8d,
      configurationSequence: 7,
      ttl: 99,
      fragment: FRAGMENT_NONE,
      transactionId: 0x42n,
      maxResponseLength: 0,
      viaList: [{ kind: 'node', nodeId: node(1) }],
      destinationList: [{ kind: 'resource', resourceId: resource(5) }],
      options: [],
    },
    contents,
    { certificates: [{ type: 0, certificate: new Uint8Array(900) }], signature: noSignature },
  )
}

function storeReq(kind: number): Uint8Array {
  const value = { model: 'dictionary', key: node(3), value: { exists: true, value: bytes('cafe') } } as const
  const data = { storageTime: 1_700_000_000_000n, lifetime: 600, value, signature: noSignature }
  return encodeStoreReq({
    resource: resource(5),
    replicaNumber: 0,
    kindData: [{ kind, generationCounter: 3n, values: [data] }],
  })
}

function dump(messageCode: number, body: Uint8Array, options?: DumpOptions): string {
  return dumpMessage(message(messageCode, body), options)
}

describe('dumpMessage', () => {
  it('shows a Store as a tree with names, sections, ids and the value inside', () => {
    const text = dump(MESSAGE_CODE.storeReq, storeReq(1))
    for (const part of [
      'ForwardingHeader (RFC 6940 s.6.3.2)',
      'overlay: 0x9aa32b8d',
      'configuration_sequence: 7',
      'transaction_id: 0x0000000000000042',
      `[0]: Node-ID ${nodeHex(1)}`,
      `[0]: Resource-ID ${'05'.repeat(16)}`,
      'message_code: 0x0007 store_req',
      'StoreReq (RFC 6940 s.7.4.1.1)',
      'kind: 0x1 SIP-REGISTRATION',
      'generation_counter: 3',
      'StoredData (RFC 6940 s.7)',
      'storage_time: 1700000000000 ms',
      'lifetime: 600 s',
      `key: ${nodeHex(3)} (16 bytes)`,
      'exists: true',
      'value: cafe (2 bytes)',
      'Signature (RFC 6940 s.6.3.4)',
      'identity: none',
      '(900 bytes)',
      'X.509',
    ]) {
      expect(text).toContain(part)
    }
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(200)
  })

  it('lets a printer show the value of its Kind, and survives one that throws', () => {
    const shown = dump(MESSAGE_CODE.storeReq, storeReq(1), {
      dumpStoredValue: (kind, value) => [`kind ${kind}`, `${value.length} long`],
    })
    expect(shown).toMatch(/value: cafe \(2 bytes\)\n +kind 1\n +2 long/)
    const thrower = (): never => {
      throw new Error('nothing known')
    }
    expect(dump(MESSAGE_CODE.storeReq, storeReq(1), { dumpStoredValue: thrower })).toContain('nothing known')
    expect(dump(MESSAGE_CODE.storeReq, storeReq(0x99), { modelOf: thrower })).toContain('no data model')
    expect(dump(MESSAGE_CODE.storeReq, storeReq(1), { dumpStoredValue: () => undefined })).toContain('cafe')
  })

  it('names Kinds without a model, or reads them when told the model', () => {
    const body = storeReq(0xf0000001)
    expect(dump(MESSAGE_CODE.storeReq, body)).toContain('no data model for Kind-ID 0xf0000001')
    const text = dump(MESSAGE_CODE.storeReq, body, { modelOf: () => 'dictionary' })
    expect(text).toContain('kind: 0xf0000001 private')
    expect(text).toContain('value: cafe')
  })

  it('shows what is inside errors and leaves', () => {
    const notFound = encodeErrorResponse({ errorCode: ERROR_CODE.notFound, errorInfo: bytes('676f6e65') })
    const text = dump(MESSAGE_CODE.error, notFound)
    expect(text).toContain('error_code: 3 (0x3 Error_Not_Found)')
    expect(text).toContain('error_info: "gone"')
    const unknownKind = { errorCode: ERROR_CODE.unknownKind, errorInfo: encodeUnknownKinds([0x10]) }
    expect(dump(MESSAGE_CODE.error, encodeErrorResponse(unknownKind))).toContain('0x10 CERTIFICATE_BY_USER')
    const answer = encodeStoreAns({ kindResponses: [{ kind: 1, generationCounter: 77n, replicas: [] }] })
    const tooLow = { errorCode: ERROR_CODE.generationCounterTooLow, errorInfo: answer }
    expect(dump(MESSAGE_CODE.error, encodeErrorResponse(tooLow))).toContain('generation_counter: 77')
    const leave = encodeLeaveReq({
      leavingPeerId: node(4),
      overlaySpecificData: encodeChordLeaveData({ type: 2, nodes: [node(5)] }),
    })
    expect(dump(MESSAGE_CODE.leaveReq, leave)).toContain('ChordLeaveData (RFC 6940 s.10.9) from_pred')
    expect(dump(MESSAGE_CODE.leaveReq, leave)).toContain(`[0]: Node-ID ${nodeHex(5)}`)
  })

  it('does not show ICE passwords', () => {
    const attach = encodeAttachReqAns({
      ufrag: bytes('7566'),
      password: bytes('736563726574'),
      role: bytes('70617373697665'),
      candidates: [],
      sendUpdate: true,
    })
    const text = dump(MESSAGE_CODE.attachReq, attach)
    expect(text).toContain('role: "passive"')
    expect(text).not.toContain('secret')
    expect(text).not.toContain('736563726574')
  })

  it('goes as far as it can and says where it stopped', () => {
    expect(dumpMessage(bytes(''))).toContain('ForwardingHeader: not readable')
    expect(dump(MESSAGE_CODE.joinReq, bytes('00'))).toContain('body: not readable')
    expect(dump(MESSAGE_CODE.leaveAns, bytes('00'))).toContain('should be empty')
    expect(dump(MESSAGE_CODE.leaveAns, EMPTY_BODY)).not.toContain('should be empty')
    expect(dump(0x23, bytes('aa'))).toContain('no layout known')
    const received = message(MESSAGE_CODE.updateAns, EMPTY_BODY)
    const cut = dumpMessage(received.subarray(0, received.length - 1))
    expect(cut).toContain(`length: ${received.length}, but ${received.length - 1} are here`)
    expect(cut).toContain('message_code: 0x0014 update_ans')
    expect(cut).toContain('SecurityBlock: not readable')
    expect(dumpMessage(Uint8Array.from([...received, 0xab]))).toContain('left over: ab (1 bytes)')
  })
})
