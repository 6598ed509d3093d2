/** Entry point of the command; bin/ringbridge.mjs imports the built form of this file. */
import { main } from './run.ts'

// exitCode, not exit(): what was written to a pipe has to leave first.
process.exitCode = await main(process.argv.slice(2))
