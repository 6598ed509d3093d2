/** `ringbridge enroll`: what `start` does before it joins, and nothing more. */
import { toHex } from '../../common/bytes.ts'
import { usableConfig } from '../../app/config/check.ts'
import { ConfigError } from '../../app/config/fault.ts'
import { nodeFolder } from '../../app/config/places.ts'
import { openLog } from '../../app/log.ts'
import { privateFolder } from '../../app/files.ts'
import { nodeCredential } from '../../app/trust/node-identity.ts'
import { openOverlay } from '../../app/trust/overlay.ts'
import { NodeCrypto } from '../../reload/security/index.ts'
import type { Environment } from '../../app/config/environment.ts'
import { EXIT, noneLeft, print, readArgs, UsageError, type Command } from '../command.ts'
import { readSecret } from '../secret-file.ts'

const HELP = `ringbridge enroll [NAME] [options]

Fetches the Configuration Document of the overlay NAME and a certificate for this node, keeps both in the data folder, and says
what it got. start with the same settings then needs neither server any more until the certificate is due. A certificate that
is there already and not due is not asked for again.

  --config FILE          configuration of the node; the options below stand over it, and the environment between
  --configuration URL    of the document: https URL or file (default: discover, by DNS from NAME)
  --ca FILE              PEM file of the CAs to believe; the root-ca.pem of the authority, unless the server's CA is public
  --account NAME         enrollment account
  --password-file FILE   file that holds its password, - for standard input
  --user USER@DOMAIN     user name in the certificate (default: the account, in the domain NAME)
  --data DIR             data folder (default ./data)
  --json                 JSON`

/** A person is waiting; `start` waits longer, for servers that are just coming up. */
const PATIENCE_MS = 5_000

const OPTIONS = {
  config: { type: 'string' },
  configuration: { type: 'string' },
  ca: { type: 'string' },
  account: { type: 'string' },
  'password-file': { type: 'string' },
  user: { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

export const enroll: Command = {
  help: HELP,
  run: async (args) => {
    const { values, positionals } = readArgs(args, OPTIONS)
    const [name] = positionals
    noneLeft(positionals, 1)
    const given = variablesOf(name, values)
    const config = inOwnWords(given, () => usableConfig(values.config, { ...process.env, ...given }))
    if (config.overlay.configuration === undefined && config.overlay.authority === undefined)
      throw new UsageError(
        'which overlay? Its NAME, or --configuration URL, or overlay.configuration in --config FILE',
      )
    const crypto = new NodeCrypto()
    // Warnings go where they do not disturb the output.
    const { trace } = openLog('warn', 'text', { write: (line: string) => void process.stderr.write(line) })
    privateFolder(config.data.dir, 'data.dir')
    const overlay = await openOverlay(crypto, config, trace, () => Promise.resolve(undefined), {
      withinMs: PATIENCE_MS,
    })
    try {
      const { configuration, source } = overlay
      const { certificate } = await nodeCredential(
        { crypto, source, trace },
        config,
        configuration.instanceName,
      )
      const got = {
        overlay: configuration.instanceName,
        sequence: configuration.sequence,
        userName: certificate.userName,
        nodeIds: certificate.nodeIds.map(toHex),
        notBefore: new Date(certificate.notBefore).toISOString(),
        notAfter: new Date(certificate.notAfter).toISOString(),
        folder: nodeFolder(config),
      }
      if (values.json) print(JSON.stringify(got))
      else {
        print(`overlay      ${got.overlay}, document sequence ${got.sequence}`)
        print(`user name    ${got.userName}`)
        print(`Node-ID      ${got.nodeIds.join(' ')}`)
        print(`valid until  ${got.notAfter}`)
        print(`kept in      ${got.folder}`)
      }
    } finally {
      await overlay.close()
    }
    return EXIT.done
  },
}

/** What is typed here for a key of the configuration. */
const WORDS: Readonly<Record<string, string>> = {
  'overlay.name': 'NAME',
  'overlay.configuration': '--configuration',
  'overlay.ca': '--ca',
  'overlay.account': '--account',
  'overlay.password': '--password-file',
  'overlay.userName': '--user',
  'data.dir': '--data',
}

/** Nobody who typed options has set the variables that stand for them, and some of the keys have never been heard of. */
function inOwnWords<T>(given: Environment, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const [, place = '', key = '', what = ''] =
      /^(\S+): "([\w.]+)": (.*)$/s.exec(error instanceof ConfigError ? error.message : '') ?? []
    const word = WORDS[key]
    // A key that stands in the file, or in a variable that somebody has set, is mended there.
    if (word === undefined || given[place] === undefined) throw error
    throw new UsageError(`${word}: ${what}`)
  }
}

/** The options as the variables that mean the same. */
function variablesOf(
  name: string | undefined,
  values: {
    readonly configuration?: string | undefined
    readonly ca?: string | undefined
    readonly account?: string | undefined
    readonly 'password-file'?: string | undefined
    readonly user?: string | undefined
    readonly data?: string | undefined
    readonly config?: string | undefined
  },
): Environment {
  const passwordFile = values['password-file']
  // Read here already, so that a fault of this option is not blamed on the variable that stands for it.
  if (passwordFile !== undefined && passwordFile !== '-') readSecret(passwordFile)
  const configuration =
    values.configuration ?? (values.config === undefined && name !== undefined ? 'discover' : undefined)
  const given: Record<string, string | undefined> = {
    RINGBRIDGE_OVERLAY__NAME: name,
    RINGBRIDGE_OVERLAY__CONFIGURATION: configuration,
    RINGBRIDGE_OVERLAY__CA: values.ca,
    RINGBRIDGE_OVERLAY__ACCOUNT: values.account,
    RINGBRIDGE_OVERLAY__PASSWORD_FILE: passwordFile === '-' ? '/dev/stdin' : passwordFile,
    RINGBRIDGE_OVERLAY__USER_NAME: values.user,
    RINGBRIDGE_DATA__DIR: values.data,
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
