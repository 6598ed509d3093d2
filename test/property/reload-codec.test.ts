import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/common/bytes.ts'
import type { Result } from '../../src/common/errors.ts'
import * as codec from '../../src/reload/codec/index.ts'
import type {
  DecodeFailure,
  ForwardingHeader,
  NewHeader,
  SecurityBlock,
} from '../../src/reload/codec/index.ts'
import * as arbitrary from './reload-arbitraries.ts'

/** A structure's decoder and encoder with its type put away, so that all can stand in one table. */
interface Codec {
  readonly name: string
  /** Encoded examples, with the promise that they decode to the value they came from. */
  readonly bytes: Arbitrary<Uint8Array>
  /** What the input is encoded as after decoding, or undefined when it does not decode. */
  readonly again: (input: Uint8Array) => Uint8Array | undefined
  readonly roundTrip: () => void
}

function entry<T>(
  name: string,
  value: Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => Result<T, DecodeFailure>,
): Codec {
  return {
    name,
    bytes: value.map(encode),
    again: (input) => {
      const result = decode(input)
      return result.ok ? encode(result.value) : undefined
    },
    roundTrip: () => {
      fc.assert(
        fc.property(value, (example) => {
          expect(decode(encode(example))).toEqual({ ok: true, value: example })
        }),
      )
    },
  }
}

const wholeMessage = fc
  .tuple(arbitrary.newHeader, arbitrary.contents, arbitrary.securityBlock)
  .map(([header, contents, security]) => ({ header, contents, security }))

interface Parts {
  readonly header: NewHeader
  readonly contents: codec.MessageContents
  readonly security: SecurityBlock
}

function encodeParts(parts: Parts): Uint8Array {
  return codec.encodeMessage(parts.header, codec.encodeContents(parts.contents), parts.security)
}

function withoutLength(header: ForwardingHeader): NewHeader {
  const copy: Partial<Record<keyof ForwardingHeader, unknown>> = { ...header }
  delete copy.length
  return copy as NewHeader
}

function decodeParts(bytes: Uint8Array): Result<Parts, DecodeFailure> {
  const result = codec.decodeMessage(bytes)
  if (!result.ok) return result
  const { header, contents, security } = result.value
  return { ok: true, value: { header: withoutLength(header), contents, security } }
}

const codecs: readonly Codec[] = [
  entry('Message', wholeMessage, encodeParts, decodeParts),
  entry('Destination list', arbitrary.destinationList, codec.encodeDestinations, (bytes) =>
    codec.decodeDestinations(bytes),
  ),
  entry('via list', arbitrary.viaList, codec.encodeDestinations, (bytes) =>
    codec.decodeDestinations(bytes, 16, 'via'),
  ),
  entry('MessageContents', arbitrary.contents, codec.encodeContents, codec.decodeContents),
  entry('SecurityBlock', arbitrary.securityBlock, codec.encodeSecurityBlock, codec.decodeSecurityBlock),
  entry('SignerIdentity', arbitrary.signerIdentity, codec.encodeSignerIdentity, codec.decodeSignerIdentity),
  entry('StoredData single', arbitrary.storedData('single'), codec.encodeStoredData, (b) =>
    codec.decodeStoredData(b, 'single'),
  ),
  entry('StoredData array', arbitrary.storedData('array'), codec.encodeStoredData, (b) =>
    codec.decodeStoredData(b, 'array'),
  ),
  entry('StoredData dictionary', arbitrary.storedData('dictionary'), codec.encodeStoredData, (b) =>
    codec.decodeStoredData(b, 'dictionary'),
  ),
  entry('StoreReq', arbitrary.storeReq, codec.encodeStoreReq, (bytes) =>
    codec.decodeStoreReq(bytes, arbitrary.modelOf),
  ),
  entry('StoreAns', arbitrary.storeAns, codec.encodeStoreAns, (bytes) => codec.decodeStoreAns(bytes)),
  entry('FetchReq', arbitrary.fetchReq, codec.encodeFetchReq, (bytes) =>
    codec.decodeFetchReq(bytes, arbitrary.modelOf),
  ),
  entry('FetchAns', arbitrary.fetchAns, codec.encodeFetchAns, (bytes) =>
    codec.decodeFetchAns(bytes, arbitrary.modelOf),
  ),
  entry('StatReq', arbitrary.fetchReq, codec.encodeStatReq, (bytes) =>
    codec.decodeStatReq(bytes, arbitrary.modelOf),
  ),
  entry('StatAns', arbitrary.statAns, codec.encodeStatAns, (bytes) =>
    codec.decodeStatAns(bytes, arbitrary.modelOf),
  ),
  entry('FindReq', arbitrary.findReq, codec.encodeFindReq, codec.decodeFindReq),
  entry('FindAns', arbitrary.findAns, codec.encodeFindAns, codec.decodeFindAns),
  entry('AttachReqAns', arbitrary.attach, codec.encodeAttachReqAns, codec.decodeAttachReqAns),
  entry('AppAttachReqAns', arbitrary.appAttach, codec.encodeAppAttachReqAns, codec.decodeAppAttachReqAns),
  entry('JoinReq', arbitrary.joinReq, codec.encodeJoinReq, (bytes) => codec.decodeJoinReq(bytes)),
  entry('JoinAns', arbitrary.overlayData, codec.encodeJoinAns, codec.decodeJoinAns),
  entry('LeaveReq', arbitrary.leaveReq, codec.encodeLeaveReq, (bytes) => codec.decodeLeaveReq(bytes)),
  entry('ChordLeaveData', arbitrary.chordLeaveData, codec.encodeChordLeaveData, (b) =>
    codec.decodeChordLeaveData(b),
  ),
  entry('ChordUpdate', arbitrary.chordUpdate, codec.encodeChordUpdate, (bytes) =>
    codec.decodeChordUpdate(bytes),
  ),
  entry('RouteQueryReq', arbitrary.routeQueryReq, codec.encodeRouteQueryReq, (b) =>
    codec.decodeRouteQueryReq(b),
  ),
  entry('ChordRouteQueryAns', arbitrary.routeQueryAns, codec.encodeChordRouteQueryAns, (b) =>
    codec.decodeChordRouteQueryAns(b),
  ),
  entry('ProbeReq', arbitrary.probeReq, codec.encodeProbeReq, codec.decodeProbeReq),
  entry('ProbeAns', arbitrary.probeAns, codec.encodeProbeAns, codec.decodeProbeAns),
  entry('PingReq', arbitrary.pingReq, codec.encodePingReq, codec.decodePingReq),
  entry('PingAns', arbitrary.pingAns, codec.encodePingAns, codec.decodePingAns),
  entry(
    'ConfigUpdateReq',
    arbitrary.configUpdateReq,
    codec.encodeConfigUpdateReq,
    codec.decodeConfigUpdateReq,
  ),
  entry('ErrorResponse', arbitrary.errorResponse, codec.encodeErrorResponse, codec.decodeErrorResponse),
  entry('unknown Kinds', arbitrary.unknownKinds, codec.encodeUnknownKinds, codec.decodeUnknownKinds),
]

/** A decoder does not throw, and what it takes is what the encoder makes: one value has one form. */
function takesOnlyWhatItMakes(subject: Codec, input: Uint8Array): void {
  const again = subject.again(input)
  if (again !== undefined) expect(toHex(again)).toBe(toHex(input))
}

/**
 * Every field of one to four bytes, wherever it may be, one more, one less, zero and at its maximum: among them every
 * length field of the input.
 */
function* lengthMutations(input: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < input.length; at++) {
    for (let width = 1; width <= 4 && at + width <= input.length; width++) {
      const limit = 2 ** (8 * width)
      let was = 0
      for (let i = 0; i < width; i++) was = was * 256 + (input[at + i] as number)
      for (const becomes of [(was + 1) % limit, (was + limit - 1) % limit, 0, limit - 1]) {
        const copy = input.slice()
        for (let i = 0; i < width; i++) copy[at + i] = Math.floor(becomes / 2 ** (8 * (width - 1 - i))) % 256
        yield copy
      }
    }
  }
}

/** Some bytes of an input replaced, cut off or added. */
function damaged(input: Arbitrary<Uint8Array>): Arbitrary<Uint8Array> {
  const edit = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'insert'))
  return fc.tuple(input, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([original, edits]) => {
    let result = [...original]
    for (const [position, byte, how] of edits) {
      const at = position % (result.length + 1)
      if (how === 'cut') result = result.slice(0, at)
      else result.splice(at, how === 'set' ? 1 : 0, byte)
    }
    return Uint8Array.from(result)
  })
}

const messages = wholeMessage.map(encodeParts)

describe.each(codecs.map((subject) => [subject.name, subject] as const))('%s', (_, subject) => {
  it('R6940-6.3-01 decodes to the value it was encoded from', () => {
    subject.roundTrip()
  })

  it('R6940-6.3.1-03 takes nothing that it would not make, and never throws, on damaged input', () => {
    fc.assert(fc.property(damaged(subject.bytes), (input) => takesOnlyWhatItMakes(subject, input)))
  })

  it('R6940-6.3.1-03 the same on random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), (input) => takesOnlyWhatItMakes(subject, input)))
  })

  it('R6940-6.3.1-01 the same with every length field off by one, zero and at its maximum', () => {
    fc.assert(
      fc.property(subject.bytes, (input) => {
        // Compared cheaply: there are thousands of them.
        for (const mutation of lengthMutations(input)) {
          const again = subject.again(mutation)
          if (again !== undefined && Buffer.compare(again, mutation) !== 0)
            takesOnlyWhatItMakes(subject, mutation)
        }
      }),
      { numRuns: 8 },
    )
  })
})

describe('HeaderView', () => {
  it('R6940-6.3.2-05 sees a header exactly where the decoder does', () => {
    const agree = (input: Uint8Array): void => {
      const decoded = codec.decodeForwardingHeader(input)
      const view = codec.HeaderView.read(input)
      const readable = decoded.ok && decoded.value.fragment >= 0x80000000
      expect(view !== undefined).toBe(readable)
      if (view === undefined || !decoded.ok) return
      const header = decoded.value
      expect(view.viaList()).toEqual(header.viaList)
      expect(view.destinations()).toEqual(header.destinationList)
      expect(view.firstDestination()).toEqual(header.destinationList[0])
      expect([view.viaCount, view.destinationCount]).toEqual([
        header.viaList.length,
        header.destinationList.length,
      ])
      expect(view.transactionId).toBe(header.transactionId)
      expect([view.overlay, view.configurationSequence, view.ttl, view.fragment]).toEqual([
        header.overlay,
        header.configurationSequence,
        header.ttl,
        header.fragment,
      ])
      expect([view.length, view.maxResponseLength]).toEqual([header.length, header.maxResponseLength])
    }
    fc.assert(fc.property(messages, agree))
    fc.assert(fc.property(damaged(messages), agree))
    // Damage that keeps the size, so that most inputs pass the length field.
    const poked = fc
      .tuple(messages, fc.array(fc.tuple(fc.nat(120), arbitrary.u8), { maxLength: 3 }))
      .map(([input, pokes]) => {
        for (const [at, byte] of pokes) if (at < input.length) input[at] = byte
        return input
      })
    fc.assert(fc.property(poked, agree), { numRuns: 2000 })
  })
})

describe('rewriteForForwarding', () => {
  const change = fc.record(
    {
      ttl: arbitrary.u8,
      appendVia: arbitrary.viaEntry,
      dropDestinations: fc.nat(5),
      replaceDestinations: fc.array(arbitrary.viaEntry, { maxLength: 3 }),
    },
    { requiredKeys: ['ttl'] },
  )

  it('R6940-6.3.2.3-01 equals decoding, changing and encoding', () => {
    fc.assert(
      fc.property(wholeMessage, change, (parts, wanted) => {
        const received = encodeParts(parts)
        const view = codec.HeaderView.read(received)
        if (view === undefined) throw new Error('no header')
        const { dropDestinations, ...rest } = wanted
        const dropped =
          dropDestinations === undefined ? undefined : Math.min(dropDestinations, view.destinationCount)
        const list = parts.header.destinationList
        const skip = dropped ?? (wanted.replaceDestinations === undefined ? 0 : list.length)
        const expected = encodeParts({
          ...parts,
          header: {
            ...parts.header,
            ttl: wanted.ttl,
            viaList: [...parts.header.viaList, ...(wanted.appendVia === undefined ? [] : [wanted.appendVia])],
            destinationList: [...(wanted.replaceDestinations ?? []), ...list.slice(skip)],
          },
        })
        const sent = codec.rewriteForForwarding(
          received,
          view,
          dropped === undefined ? rest : { ...rest, dropDestinations: dropped },
        )
        expect(toHex(sent)).toBe(toHex(expected))
      }),
      { numRuns: 500 },
    )
  })
})

describe('dumpMessage', () => {
  it('shows anything without throwing', () => {
    const bodies = fc.oneof(
      ...codecs.map((subject) => damaged(subject.bytes)),
      ...codecs.map((subject) => subject.bytes),
    )
    const withBody = fc
      .tuple(
        arbitrary.newHeader,
        fc.constantFrom(...Object.values(codec.MESSAGE_CODE)),
        bodies,
        arbitrary.securityBlock,
      )
      .map(([header, messageCode, body, security]) =>
        encodeParts({ header, contents: { messageCode, body, extensions: [] }, security }),
      )
    const inputs = fc.oneof(withBody, damaged(withBody), fc.uint8Array({ maxLength: 200 }))
    fc.assert(
      fc.property(inputs, (input) => {
        expect(codec.dumpMessage(input).startsWith(`Message: ${input.length} bytes`)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('reload URI', () => {
  it('R6940-14.15-01 comes back, and no text throws', () => {
    fc.assert(
      fc.property(arbitrary.destinationList, arbitrary.opaque(), (destinations, specifier) => {
        fc.pre(destinations.length > 0)
        const uri = codec.formatReloadUri(destinations, 'overlay.example', specifier)
        expect(codec.parseReloadUri(uri)).toEqual({
          ok: true,
          value: {
            destinations,
            overlay: 'overlay.example',
            specifier: specifier.length === 0 ? undefined : specifier,
          },
        })
      }),
    )
    const text = fc.tuple(fc.constantFrom('', 'reload://', 'reload://8001@'), fc.string({ maxLength: 40 }))
    fc.assert(
      fc.property(text, ([prefix, rest]) => {
        codec.parseReloadUri(prefix + rest)
      }),
    )
  })
})
