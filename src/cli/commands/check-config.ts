/** `ringbridge check-config`: would this file start a node? */
import { unresolvedBootstrap } from '../../app/bootstrap.ts'
import { locatedUsableConfig } from '../../app/config/check.ts'
import { effectiveYaml, redacted } from '../../app/config/effective.ts'
import { jsonSchema } from '../../app/config/schema.ts'
import { EXIT, print, readArgs, UsageError, type Command } from '../command.ts'

export const checkConfig: Command = {
  help: `ringbridge check-config FILE

Validates a configuration file together with the RINGBRIDGE_ variables of the environment. Each fault is named with file,
line and column, or the variable. A bootstrap name without an address is a warning, since it may get one.

  --effective  print the configuration that a node would run: all defaults filled in, secrets left out, and beside each
               value that is not a default the line or variable that set it
  --json       print it as JSON
  --schema     print the JSON Schema of the file instead (docs/reference/configuration.schema.json)`,
  run: async (args) => {
    const { values, positionals } = readArgs(args, {
      effective: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      schema: { type: 'boolean', default: false },
    })
    if (values.schema) {
      print(JSON.stringify(jsonSchema(), null, 2))
      return EXIT.done
    }
    const [file] = positionals
    if (file === undefined || positionals.length > 1) throw new UsageError('one FILE is expected')
    const { config, origin } = locatedUsableConfig(file, process.env)
    for (const name of await unresolvedBootstrap(config.overlay.bootstrap)) {
      process.stderr.write(
        `ringbridge: warning: "overlay.bootstrap": "${name}" has no address now; a node would keep asking for it\n`,
      )
    }
    if (values.json) print(JSON.stringify(redacted(config)))
    else print(values.effective ? effectiveYaml(config, origin).trimEnd() : `${file}: good`)
    return EXIT.done
  },
}
