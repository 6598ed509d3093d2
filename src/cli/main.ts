/** Entry point of the command; bin/ringbridge.mjs imports the built form of this file. */
import { EXIT } from './command.ts'
import { main } from './run.ts'

let lost: NodeJS.ErrnoException | undefined
process.stdout.on('error', (error) => (lost ??= error))

const code = await main(process.argv.slice(2))
// What was written to a pipe has to leave first; then nothing that is still open (an idle connection of the test phone) keeps
// the shell waiting.
process.exitCode = code
process.stdout.write('', (error) => {
  const reason = lost ?? (error as NodeJS.ErrnoException | null | undefined) ?? undefined
  const failed = isLoss(reason) && code === EXIT.done
  if (failed)
    process.stderr.write(`ringbridge: the output cannot be written (${reason?.code ?? 'unknown'})\n`)
  process.stderr.write('', () => process.exit(failed ? EXIT.failed : code))
})

/** A disk that is full, which scripts have to hear of. Not a reader that has seen enough (`| head`), and not the log of a node, which goes on without. */
function isLoss(reason: NodeJS.ErrnoException | undefined): boolean {
  const command = process.argv[2] ?? ''
  return reason !== undefined && reason.code !== 'EPIPE' && !['start', 'testbed'].includes(command)
}
