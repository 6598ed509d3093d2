/** `ringbridge dump`: bytes as a tree. */
import { existsSync, readFileSync } from 'node:fs'
import { fromHex } from '../../common/bytes.ts'
import { EXIT, print, readArgs, UsageError, type Command } from '../command.ts'
import { dumpBytes } from '../dump/dump-bytes.ts'

const FILE_BYTES_MAX = 16 * 1024 * 1024

export const dump: Command = {
  help: `ringbridge dump FILE|HEX

RELOAD (bare or framed), STUN or SIP bytes as a tree with section numbers. FILE holds the bytes themselves, or hex digits
with or without blanks; - reads standard input.

  --json   an object with the kind, whether it is whole, and the lines of the tree; frames of a link: one object a line

Exit code 1 when something could not be read.`,
  run: (args) => {
    const { values, positionals } = readArgs(args, { json: { type: 'boolean', default: false } })
    const [what] = positionals
    if (what === undefined || positionals.length > 1) throw new UsageError('one FILE or HEX is expected')
    const parts = dumpBytes(bytesOf(what))
    for (const { kind, whole, text } of parts)
      print(values.json ? JSON.stringify({ kind, whole, lines: text.split('\n') }) : text)
    return Promise.resolve(parts.every(({ whole }) => whole) ? EXIT.done : EXIT.failed)
  },
}

function bytesOf(what: string): Uint8Array {
  if (what !== '-' && !existsSync(what)) {
    const bytes = fromHex(what.replace(/^0x/, '').replace(/[\s:]/g, ''))
    if (bytes === undefined || bytes.length === 0)
      throw new UsageError(`"${what}" is neither a file nor hex digits`)
    return bytes
  }
  let content: Buffer
  try {
    content = readFileSync(what === '-' ? 0 : what)
  } catch (error) {
    throw new UsageError(`${what}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
  if (content.length > FILE_BYTES_MAX) throw new UsageError(`${what}: larger than ${FILE_BYTES_MAX} bytes`)
  const text = content.toString('latin1')
  const hex = /^[\s0-9a-fA-F:]+$/.test(text) ? fromHex(text.replace(/[\s:]/g, '')) : undefined
  return hex ?? content
}
