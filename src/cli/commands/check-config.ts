/** `ringbridge check-config`: would this file start a node? */
import { unresolvedBootstrap } from '../../app/bootstrap.ts'
import { usableConfig } from '../../app/config/check.ts'
import { jsonSchema, SECRET_KEYS, type Config } from '../../app/config/schema.ts'
import { EXIT, print, readArgs, UsageError, type Command } from '../command.ts'

export const checkConfig: Command = {
  help: `ringbridge check-config FILE

Validates a configuration file together with the RINGBRIDGE_ variables of the environment. A bootstrap name without an
address is a warning, since it may get one.

  --json     print the effective configuration as JSON, secrets left out
  --schema   print the JSON Schema of the file instead`,
  run: async (args) => {
    const { values, positionals } = readArgs(args, {
      json: { type: 'boolean', default: false },
      schema: { type: 'boolean', default: false },
    })
    if (values.schema) {
      print(JSON.stringify(jsonSchema(), null, 2))
      return EXIT.done
    }
    const [file] = positionals
    if (file === undefined || positionals.length > 1) throw new UsageError('one FILE is expected')
    const config = usableConfig(file, process.env)
    for (const name of await unresolvedBootstrap(config.overlay.bootstrap)) {
      process.stderr.write(
        `ringbridge: warning: "overlay.bootstrap": "${name}" has no address now; a node would keep asking for it\n`,
      )
    }
    print(values.json ? JSON.stringify(redacted(config)) : `${file}: good`)
    return EXIT.done
  },
}

/** The configuration with `[private]` in the place of secrets. */
export function redacted(config: Config): object {
  const copy = structuredClone(config) as unknown as Record<string, Record<string, unknown>>
  for (const path of SECRET_KEYS) {
    const [section, key] = path.split('.') as [string, string]
    const part = copy[section]
    if (part?.[key] !== undefined) part[key] = '[private]'
  }
  return copy
}
