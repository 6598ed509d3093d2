import { describe, expect, it } from 'vitest'
import { desiredEntry } from '../../../src/adapter/desired-entry.ts'
import { mergedFeatures } from '../../../src/adapter/feature-merge.ts'
import {
  jittered,
  overlayLifetimeS,
  removalLifetimeS,
  renewalMarginMs,
} from '../../../src/adapter/lifetime.ts'
import {
  decodeGr,
  destinationsOf,
  encodeGr,
  routeAddress,
  terminalNode,
} from '../../../src/adapter/overlay-address.ts'
import { registerFailure, storeRetry } from '../../../src/adapter/error-map.ts'
import {
  asNodeId,
  decodeSipRegistration,
  encodeContactPreferences,
  ERROR_CODE,
} from '../../../src/reload/index.ts'
import { fromHex, fromUtf8, toHex } from '../../../src/common/bytes.ts'
import { binding, SELF } from './fixture.ts'

const AOR = 'x@dht.example.com'
const SETTINGS = { publishForwardAsUri: true, publishNodeContact: true }
const LIST = [{ kind: 'node' as const, nodeId: asNodeId(fromHex('00112233445566778899aabbccddeeff')!) }]

describe('overlay GRUU values', () => {
  it('M-16 gr of one Node-ID has the bytes of the example and is read back decoded', () => {
    expect(encodeGr(LIST)).toBe('ARAAESIzRFVmd4iZqrvM3e7/')
    expect(decodeGr('ARAAESIzRFVmd4iZqrvM3e7/')).toEqual(LIST)
  })

  it.each(['', 'A', 'ARAAESIzRFVmd4iZqrvM3e7', '~~~~', 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTA~'])(
    'M-16 %j is no list',
    (value) => {
      expect(decodeGr(value)).toBeUndefined()
    },
  )

  it('M-26 an address of a Via names the node', () => {
    const list = destinationsOf(`node:${toHex(LIST[0]!.nodeId)}`)
    expect(list).toEqual(LIST)
    expect(terminalNode(list!)).toEqual(LIST[0]!.nodeId)
    expect(destinationsOf(routeAddress(LIST))).toEqual(LIST)
  })
})

describe('desired overlay entry', () => {
  it('nothing registered publishes nothing', () => {
    expect(desiredEntry(AOR, [], SELF, SETTINGS)).toBeUndefined()
  })

  it('one forwarding binding becomes the uri entry of the example', () => {
    const value = desiredEntry(
      AOR,
      [binding('sip:charlie@dht.example.com', 1, { kind: 'forward' })],
      SELF,
      SETTINGS,
    )
    expect(toHex(value!)).toBe(`0100190017${toHex(new TextEncoder().encode('charlie@dht.example.com'))}`)
  })

  it('a telephone number becomes a uri entry', () => {
    const value = desiredEntry(AOR, [binding('tel:+4930123456', 1, { kind: 'tel' })], SELF, SETTINGS)
    expect(decodeSipRegistration(value!)).toEqual({
      ok: true,
      value: { kind: 'uri', uri: 'tel:+4930123456' },
    })
  })

  it('one node binding publishes that list', () => {
    const contact = `sip:x@dht.example.com;gr=${encodeGr(LIST)}`
    const decoded = decodeSipRegistration(
      desiredEntry(AOR, [binding(contact, 1, { kind: 'node' })], SELF, SETTINGS)!,
    )
    expect(decoded.ok && decoded.value.kind === 'route' && decoded.value.destinations).toEqual(LIST)
  })

  it('M-20 the GRUU of another user is no place of this one: calls come here, where it is known', () => {
    for (const user of ['y', 't~5uL3x'])
      expect(
        desiredEntry(
          AOR,
          [binding(`sip:${user}@dht.example.com;gr=${encodeGr(LIST)};adi=iuur55itd4`, 1, { kind: 'node' })],
          SELF,
          SETTINGS,
        ),
      ).toEqual(desiredEntry(AOR, [binding('sip:x@10.1.2.3', 1)], SELF, SETTINGS))
  })

  it('M-06 A7904-3.2-01 devices publish [A], whatever their addresses', () => {
    const value = desiredEntry(
      AOR,
      [binding('sip:a@10.1.2.3', 1), binding('sip:a@10.1.2.4', 1)],
      SELF,
      SETTINGS,
    )
    expect(toHex(value!)).toBe(`0200160000${'0012'}0110${toHex(SELF)}`)
  })

  it('S-73 R7904-8.2.4-01 nothing of a phone gets into the entry', () => {
    const parameters = new Map([
      ['+sip.instance', '"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'],
      ['audio', ''],
      ['description', '"<desk phone of Alice>"'],
    ])
    const text = fromUtf8(
      desiredEntry(AOR, [binding('sip:alice@192.168.7.7:5099', 1, { parameters })], SELF, SETTINGS)!,
    )
    for (const secret of ['192.168', '5099', 'uuid', '000A95', 'desk phone'])
      expect(text).not.toContain(secret)
    expect(text).toContain('sip.audio=TRUE')
  })
})

describe('M-13 merged capabilities', () => {
  const merged = (...all: Record<string, string>[]): string =>
    fromUtf8(
      encodeContactPreferences(
        mergedFeatures(
          all.map((each) => binding('sip:a@h', 1, { parameters: new Map(Object.entries(each)) })),
        ),
      ),
    )

  it('M-13 keeps what every binding states, ORs values, drops negations, widens numbers', () => {
    expect(merged({ audio: '', video: '' }, { audio: '' })).toBe('(& (sip.audio=TRUE))')
    expect(merged({ class: '"business"' }, { class: '"personal"' })).toBe(
      '(& (| (sip.class=business) (sip.class=personal)))',
    )
    expect(merged({ methods: '"INVITE,!BYE"' })).toBe('(& (sip.methods=INVITE))')
    expect(merged({ priority: '"#1:3"' }, { priority: '"#=7"' })).toBe('(& (sip.priority=1..7))')
    expect(merged({ language: '"en,de"' })).toBe('(& (| (language=de) (language=en)))')
    expect(merged({ priority: '"#>=3"' }, { priority: '"#=1"' })).toBe('(& (sip.priority>=1))')
    expect(merged({ priority: '"#<=3"' }, { priority: '"#=7"' })).toBe('(& (sip.priority<=7))')
    expect(merged({ priority: '"#<=3"' }, { priority: '"#>=7"' })).toBe('')
    expect(merged({ '+sip.instance': '"<x>"' })).toBe('')
    // Nor anything that describes a person or a device.
    expect(merged({ actor: '"principal"', description: '"<desk>"', '+sip.x': '"<y>"', audio: '' })).toBe(
      '(& (sip.audio=TRUE))',
    )
  })

  it('M-13 states SIPS only when every Contact is a sips URI', () => {
    const one = mergedFeatures([binding('sips:a@h', 1, { secure: true }), binding('sip:a@h', 1)])
    expect(one.has('sip.schemes')).toBe(false)
    const both = mergedFeatures([binding('sips:a@h', 1, { secure: true })])
    expect(fromUtf8(encodeContactPreferences(both))).toBe('(& (sip.schemes=SIPS))')
  })

  it('M-13 a predicate over 512 bytes shrinks to nothing but the scheme', () => {
    const parameters = new Map([
      ['language', `"${Array.from({ length: 200 }, (_, i) => `x${i}`).join(',')}"`],
    ])
    const decoded = decodeSipRegistration(
      desiredEntry(AOR, [binding('sip:a@h', 1, { parameters })], SELF, SETTINGS)!,
    )
    expect(decoded.ok && decoded.value.kind === 'route' && decoded.value.contactPrefs.length).toBe(0)
    const secure = decodeSipRegistration(
      desiredEntry(AOR, [binding('sips:a@h', 1, { parameters, secure: true })], SELF, SETTINGS)!,
    )
    expect(secure.ok && secure.value.kind === 'route' && fromUtf8(secure.value.contactPrefs)).toBe(
      '(& (sip.schemes=SIPS))',
    )
  })
})

describe('lifetimes', () => {
  const settings = { overlayLifetimeMinS: 300, overlayLifetimeMaxS: 7200 }
  it.each([
    [3_600_000, 1e12, 3660],
    [30_000, 1e12, 300],
    [90_000_000, 1e12, 7200],
    [3_600_000, 600_000, 600],
  ])(
    'M-14 R7904-3.1-02 bindings of %d ms and a certificate of %d ms give %d s',
    (bindings, certificate, seconds) => {
      expect(overlayLifetimeS(bindings, certificate, settings)).toBe(seconds)
    },
  )

  it('M-14 renews below a quarter of the life or two minutes', () => {
    expect(renewalMarginMs(3660)).toBe(915_000)
    expect(renewalMarginMs(300)).toBe(120_000)
  })

  it('R6940-7.4.1.3-02 a removal lives as long as what it hides, at least a minute', () => {
    expect(removalLifetimeS(100_500)).toBe(101)
    expect(removalLifetimeS(5)).toBe(60)
  })

  it('jitter is at most a tenth either way', () => {
    expect(jittered(1000, { float: () => 0 })).toBe(900)
    expect(jittered(1000, { float: () => 0.5 })).toBe(1000)
  })
})

describe('M-28 RELOAD failures of a Store as SIP answers', () => {
  it.each([
    [ERROR_CODE.forbidden, 403, undefined],
    [ERROR_CODE.notFound, 503, 10],
    [ERROR_CODE.requestTimeout, 503, 10],
    [ERROR_CODE.generationCounterTooLow, 500, 5],
    [ERROR_CODE.incompatibleWithOverlay, 503, 60],
    [ERROR_CODE.unsupportedForwardingOption, 503, 10],
    [ERROR_CODE.dataTooLarge, 500, undefined],
    [ERROR_CODE.dataTooOld, 500, 5],
    [ERROR_CODE.ttlExceeded, 503, 10],
    [ERROR_CODE.messageTooLarge, 500, undefined],
    [ERROR_CODE.unknownKind, 503, 300],
    [ERROR_CODE.responseTooLarge, 500, undefined],
    [ERROR_CODE.configTooOld, 503, 10],
    [ERROR_CODE.configTooNew, 503, 10],
    [ERROR_CODE.inProgress, 503, 5],
    [ERROR_CODE.invalidMessage, 500, undefined],
  ])('M-28 error %d is %d with Retry-After %s', (code, status, retryAfterS) => {
    const failure = registerFailure({ kind: 'reload', code, info: '' }, 0)
    expect(failure.status).toBe(status)
    expect(failure.retryAfterS).toBe(retryAfterS)
  })

  it('M-28 what may help is tried once more, what cannot is not', () => {
    const helpful = new Map<number, unknown>([
      ...[ERROR_CODE.notFound, ERROR_CODE.inProgress].map(
        (code) => [code, { delayMs: 1000, smaller: false }] as const,
      ),
      ...[
        ERROR_CODE.ttlExceeded,
        ERROR_CODE.dataTooOld,
        ERROR_CODE.configTooOld,
        ERROR_CODE.configTooNew,
      ].map((code) => [code, { delayMs: 0, smaller: false }] as const),
      ...[ERROR_CODE.dataTooLarge, ERROR_CODE.messageTooLarge, ERROR_CODE.responseTooLarge].map(
        (code) => [code, { delayMs: 0, smaller: true }] as const,
      ),
    ])
    for (const code of Object.values(ERROR_CODE))
      expect(storeRetry({ kind: 'reload', code, info: '' }), String(code)).toEqual(helpful.get(code))
    expect(storeRetry({ kind: 'timeout' })).toBeUndefined()
    expect(storeRetry({ kind: 'notJoined' })).toBeUndefined()
  })
})
