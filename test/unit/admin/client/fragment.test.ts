import { expect, it } from 'vitest'
import { readFragment } from '../../../../src/admin/client/fragment.ts'

it.each([
  ['', '', ''],
  ['#ring', 'ring', ''],
  ['#calls/a%2Fb%40host', 'calls', 'a/b@host'],
  // As somebody types a Call-ID (RFC 3261 s.25.1 word: % and / are its own characters).
  ['#calls/a/b@host', 'calls', 'a/b@host'],
  ['#calls/100%', 'calls', '100%'],
])('the address %j opens page %j with %j', (hash, name, detail) => {
  expect(readFragment(hash)).toEqual({ name, detail })
})
