/** What a failure is to the one who started the process: a person, or a supervisor that starts again what has ended with 1, and leaves 2 to people. */
import { EXIT, UsageError } from './command.ts'

/** Room comes without anybody touching the configuration: the log is rotated, a quota raised. LevelDB hands on the system's words only. */
const NO_ROOM_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT']
const NO_ROOM_WORDS = /No space left on device|Disk quota exceeded/

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  if (codeOf(error) !== 'CONFIG' || isNoRoom(error)) return EXIT.failed
  return EXIT.usage
}

/** The error itself, or one that it came from. */
function isNoRoom(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause)
    if (NO_ROOM_CODES.includes(codeOf(each)) || NO_ROOM_WORDS.test(each.message)) return true
  return false
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code
}
