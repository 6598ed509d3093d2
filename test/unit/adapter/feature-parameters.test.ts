import { describe, expect, it } from 'vitest'
import { featureParameters } from '../../../src/adapter/feature-parameters.ts'
import { mergedFeatures } from '../../../src/adapter/feature-merge.ts'
import { decodeContactPreferences, encodeContactPreferences } from '../../../src/reload/index.ts'
import type { PublishedBinding } from '../../../src/sip/index.ts'

function said(predicate: string): Record<string, string> | undefined {
  const parameters = featureParameters(decodeContactPreferences(Buffer.from(predicate)))
  return parameters === undefined ? undefined : Object.fromEntries(parameters)
}

describe('contact_prefs as Contact parameters', () => {
  it.each([
    ['(& (sip.audio=TRUE) (sip.video=FALSE))', { audio: '', video: '"FALSE"' }],
    ['(& (| (sip.methods=INVITE) (sip.methods=BYE)))', { methods: '"INVITE,BYE"' }],
    ['(& (| (! (sip.events=presence)) (sip.events=dialog)))', { events: '"!presence,dialog"' }],
    ['(& (sip.priority>=10) (u.x:y/z=4..5))', { priority: '"#>=10"', "+u.x!y'z": '"#4:5"' }],
    ['(& (language=en) (sip.newparam=TRUE))', { language: '"en"', '+sip.newparam': '' }],
    ['', undefined],
    ['nonsense (', undefined],
    ['(& (sip.description="a PC"))', undefined],
  ])('S3841-7-01 %s', (predicate, expected) => {
    expect(said(predicate)).toEqual(expected)
  })

  it('S3841-7-01 M-13 what a phone has registered comes back from the overlay', () => {
    const binding: PublishedBinding = {
      kind: 'device',
      contact: 'sip:a@192.0.2.1',
      secure: false,
      expiresAt: 1,
      parameters: new Map([
        ['audio', ''],
        ['methods', '"INVITE,BYE"'],
        ['mobility', '"fixed"'],
      ]),
    }
    const wire = encodeContactPreferences(mergedFeatures([binding]))
    expect(Object.fromEntries(featureParameters(decodeContactPreferences(wire)) ?? [])).toEqual({
      audio: '',
      methods: '"BYE,INVITE"',
      mobility: '"fixed"',
    })
  })

  it('S3841-7-01 S-07 nothing that would break out of a header gets into it', () => {
    for (const value of ['a"b', 'a,b', 'a;b', 'a b', 'a\r\nb', '<a>'])
      expect(said(`(& (sip.class=${value}))`)?.['class'] ?? '').not.toMatch(/[;\r\n<>]/)
  })
})
