import { spawnSync } from 'node:child_process'

/** Interop tests drive the built product, as a user does. Who starts several lanes of them builds it before. */
export function setup(): void {
  if (process.env['RINGBRIDGE_BUILT'] === '1') return
  const built = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  if (built.status !== 0) throw new Error('the build failed')
}
