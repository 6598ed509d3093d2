import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Interop tests drive the built product, as a user does. Who starts several lanes of them builds it before. What tests and the processes that
 * they start leave in temporary folders lies in one, which is gone afterwards: a worker is ended without a chance to tidy up.
 */
export function setup(): () => void {
  if (process.env['RINGBRIDGE_BUILT'] !== '1') {
    const built = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
    if (built.status !== 0) throw new Error('the build failed')
  }
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-interop-'))
  // Some of them run as another user, who has to get through.
  chmodSync(folder, 0o711)
  process.env['TMPDIR'] = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
