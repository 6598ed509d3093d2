import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { documentFile, documentSigner, openOverlayFolder } from '../../../../src/app/trust/overlay-folder.ts'
import { toHex } from '../../../../src/common/bytes.ts'
import { parseConfiguration } from '../../../../src/reload/config/index.ts'
import { NodeCrypto } from '../../../../src/reload/security/index.ts'

it('nodes that share an empty folder and start at once found one overlay: one root, one signer, whom the document names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-shared-folder-'))
  const crypto = new NodeCrypto()
  const all = await Promise.all([1, 2, 3].map(() => openOverlayFolder(crypto, folder, 'example.org')))
  expect(new Set(all.map(({ rootCertificate }) => toHex(rootCertificate))).size).toBe(1)
  expect(all.filter(({ founded }) => founded)).toHaveLength(1)
  expect(existsSync(documentFile(folder))).toBe(true)
  const read = parseConfiguration(readFileSync(documentFile(folder)), 'example.org')
  if (!read.ok) throw new Error(read.error.reason)
  const signer = await documentSigner(crypto, all[0]!, folder)
  expect(read.value.configuration.configurationSigners).toEqual([signer.nodeId])
  expect(read.value.configuration.rootCerts.map(toHex)).toEqual([toHex(all[0]!.rootCertificate)])
  for (const authority of all) await authority.close()
  rmSync(folder, { recursive: true })
})
