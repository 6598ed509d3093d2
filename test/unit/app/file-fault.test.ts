import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readConfig } from '../../../src/app/config/load.ts'
import { faultOf } from '../../../src/app/file-fault.ts'
import { asConfigError } from '../../../src/app/trust/overlay-folder.ts'
import { sharedSecret } from '../../../src/app/trust/shared-secret.ts'

const folder = mkdtempSync(join(tmpdir(), 'ringbridge-fault-'))
const file = join(folder, 'root.pem')
writeFileSync(file, '', { mode: 0o400 })
chmodSync(folder, 0o710)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const denied = (path: string) => Object.assign(new Error('denied'), { code: 'EACCES', path })
const self = process.geteuid?.() ?? 0

it('who may not use a file is told whose it is, or whose the nearest folder is that can be seen', () => {
  const whose = (place: string, mode: string) =>
    `EACCES: ${place} belongs to user ${self}, mode ${mode}, and this process is user ${self}`
  expect(faultOf(denied(file), file)).toBe(whose(file, '0400'))
  expect(faultOf(denied(file), join(folder, 'a', 'b'))).toBe(whose(folder, '0710'))
  expect(faultOf(Object.assign(new Error(), { code: 'EROFS' }), file)).toBe('EROFS')
  expect(faultOf(new Error('no code'), file)).toBe('Error: no code')
  expect(faultOf(denied(file), undefined)).toBe('EACCES')
})

it('a start that a file is in the way of says what the file is for', async () => {
  await expect(asConfigError(Promise.reject(denied(file)), 'the journal')).rejects.toThrow(
    `${file}: the journal cannot be read or written (EACCES: ${file} belongs to`,
  )
})

it('a secret that cannot be written is a fault of the configuration, and not of a file that nobody knows', () => {
  const config = readConfig(JSON.stringify({ overlay: { authority: join(folder, 'gone') } }), 'test', {})
  expect(() => sharedSecret(config)).toThrow(`${join(folder, 'gone', 'secret')}: cannot be written (ENOENT)`)
})
