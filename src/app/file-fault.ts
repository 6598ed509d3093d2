/** Why the system does not let a file or folder be used, in words that say what to mend. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'

/** What the system said of a path; where something is not allowed, also whose it is: of the nearest place that can be looked at. */
export function faultOf(error: unknown, path: string | undefined): string {
  const code = codeOf(error)
  const self = process.geteuid?.()
  if ((code !== 'EACCES' && code !== 'EPERM') || self === undefined || path === undefined) return code
  for (let place = path; ; place = dirname(place)) {
    const there = statOf(place)
    if (there === undefined && place !== dirname(place)) continue
    if (there === undefined) return code
    const mode = (there.mode & 0o7777).toString(8).padStart(4, '0')
    return `${code}: ${place} belongs to user ${there.uid}, mode ${mode}, and this process is user ${self}`
  }
}

function statOf(path: string): { readonly mode: number; readonly uid: number } | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}
