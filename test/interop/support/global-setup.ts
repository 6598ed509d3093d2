import { spawnSync } from 'node:child_process'

/** Interop tests drive the built product, as a user does. */
export function setup(): void {
  const built = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  if (built.status !== 0) throw new Error('the build failed')
}
