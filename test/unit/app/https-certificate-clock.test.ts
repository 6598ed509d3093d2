/** The certificate that the enrollment server has of its own authority, by a wall clock that jumps. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openEnrollmentService, type EnrollmentService } from '../../../src/app/enrollment-service.ts'
import { openOverlayFolder } from '../../../src/app/trust/overlay-folder.ts'
import type { StoredAuthority } from '../../../src/enrollment/io/index.ts'
import { NodeCrypto } from '../../../src/reload/security/index.ts'

const DAY = 86_400_000
const START = Date.UTC(2030, 0, 1)

let folder: string
let authority: StoredAuthority
let service: EnrollmentService
/** Told of the next certificate that is made. */
let renewed: () => void = () => undefined

function certificate(): { readonly from: number; readonly until: number } {
  const { validFrom, validTo } = new X509Certificate(readFileSync(join(folder, 'https', 'certificate.pem')))
  return { from: Date.parse(validFrom), until: Date.parse(validTo) }
}

async function jumpTo(wall: number): Promise<void> {
  const made = new Promise<void>((resolve) => (renewed = resolve))
  vi.setSystemTime(wall)
  vi.advanceTimersByTime(30_000)
  await made
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-https-clock-'))
  vi.useFakeTimers({ now: START, toFake: ['setInterval', 'clearInterval', 'Date'] })
  authority = await openOverlayFolder(new NodeCrypto(), folder, 'example.org')
  service = await openEnrollmentService(
    authority,
    { folder, listen: '127.0.0.1:0', names: [], files: undefined, key: '--listen' },
    ({ event }) => {
      if (event === 'https_certificate_renewed') renewed()
    },
  )
})
afterEach(async () => {
  await service.close()
  await authority.close()
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

it('M-05 R-06 is made anew within half a minute when the clock is put past its end, and when it is put back before its beginning', async () => {
  expect(certificate().until).toBeLessThan(START + 400 * DAY)
  await jumpTo(START + 400 * DAY)
  expect(certificate().until).toBeGreaterThan(START + 700 * DAY)
  await jumpTo(START + DAY)
  expect(certificate().from).toBeLessThan(START + DAY)
})
