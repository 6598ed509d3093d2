/** Whether what a comparison needs is installed, said in words a person can act on. */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

/** What is missing that nothing can be measured without; empty when all is there. */
export function missingTools(): string[] {
  const missing: string[] = []
  if (cpus().length < 2) missing.push('two processors: the server runs on CPU 0, the load generator on CPU 1')
  if (!isThere('taskset')) missing.push('taskset (Debian package util-linux)')
  if (!isThere('gcc')) missing.push('gcc, which builds the load generator (Debian package gcc)')
  else if (!compiles('#include <openssl/md5.h>\n#include <openssl/sha.h>\n'))
    missing.push('the headers of OpenSSL, for the load generator (Debian package libssl-dev)')
  return missing
}

export function isThere(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

function compiles(source: string): boolean {
  return spawnSync('gcc', ['-fsyntax-only', '-x', 'c', '-'], { input: source }).status === 0
}
