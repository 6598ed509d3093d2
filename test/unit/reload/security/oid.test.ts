import { describe, expect, it } from 'vitest'
import { fromHex } from '../../../../src/common/bytes.ts'
import { DerReader, TAG } from '../../../../src/reload/security/der.ts'
import { KnownOids } from '../../../../src/reload/security/oid.ts'

/** X.690 s.8.19.5, RFC 5480 s.2.1.1, RFC 3279 s.2.3.1, RFC 5280 s.4.2.1.6, and one with a second arc above 39. */
const EXAMPLES: readonly (readonly [hex: string, text: string])[] = [
  ['0603883703', '2.999.3'],
  ['06072a8648ce3d0201', '1.2.840.10045.2.1'],
  ['06092a864886f70d01010b', '1.2.840.113549.1.1.11'],
  ['0603551d11', '2.5.29.17'],
  ['06052b81040022', '1.3.132.0.34'],
]

function element(hex: string): ReturnType<DerReader['next']> {
  const bytes = fromHex(hex)
  if (bytes === undefined) throw new Error('hex')
  return new DerReader(bytes).next(TAG.oid)
}

describe('OBJECT IDENTIFIERs', () => {
  const nothingKnown = new KnownOids([])
  const known = new KnownOids(EXAMPLES.map(([, text]) => text))

  it.each(EXAMPLES)('%s is %s, whether it was expected or not', (hex, text) => {
    expect(nothingKnown.textOf(element(hex))).toBe(text)
    expect(known.textOf(element(hex))).toBe(text)
  })

  it('is not taken for one that it begins or ends like', () => {
    expect(known.textOf(element('0602551d'))).toBe('2.5.29')
    expect(known.textOf(element('0604551d1101'))).toBe('2.5.29.17.1')
    expect(known.textOf(element('0602551e'))).toBe('2.5.30')
  })
})
