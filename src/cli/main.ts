/** Entry point of the command; bin/ringbridge.mjs imports the built form of this file. */
import { main } from './run.ts'

const code = await main(process.argv.slice(2))
// What was written to a pipe has to leave first; then nothing that is still open (an idle connection of the test phone) keeps
// the shell waiting.
process.exitCode = code
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
