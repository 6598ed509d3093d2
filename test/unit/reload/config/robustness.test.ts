import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseConfiguration } from '../../../../src/reload/config/index.ts'
import { aTestOverlay } from '../../../support/credentials.ts'

describe('hostile documents', () => {
  it('R6940-11.2-05 any bytes give a configuration or a fault, never an exception', async () => {
    const { document } = await aTestOverlay()
    const change = fc.record({ at: fc.nat(document.length - 1), byte: fc.nat(255), cut: fc.boolean() })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let bytes = Uint8Array.from(document)
        for (const { at, byte, cut } of changes) {
          bytes[at % bytes.length] = byte
          if (cut) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)])
        }
        const result = parseConfiguration(bytes, 'example.org')
        expect(result.ok ? result.value.configuration.instanceName : result.error.reason).toBeTypeOf('string')
      }),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !parseConfiguration(bytes, 'example.org').ok),
    )
  })

  it('attribute and element names of the object prototype are names like others', () => {
    const text = `<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base"><configuration instance-name="example.org"><constructor/><__proto__/></configuration></overlay>`
    expect(parseConfiguration(Buffer.from(text), 'example.org')).toMatchObject({
      ok: false,
      error: { kind: 'invalid' },
    })
    const attribute = `<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base"><configuration __proto__="example.org" hasOwnProperty="1"/></overlay>`
    expect(parseConfiguration(Buffer.from(attribute), 'example.org')).toMatchObject({
      ok: false,
      error: { kind: 'absent' },
    })
  })
})
