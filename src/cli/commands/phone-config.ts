/** `ringbridge phone-config`: what to put into a phone, in the words of its maker. */
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { isUsername, USERNAME_RULE } from '../../app/accounts/new-account.ts'
import { loadConfig } from '../../app/config/load.ts'
import { parseHostPort, type HostPort } from '../../app/config/endpoint.ts'
import { isHost } from '../../app/config/names.ts'
import { hostedDomains } from '../../app/config/places.ts'
import { phoneListeners } from '../../app/phone-listeners.ts'
import { EXIT, oneOf, print, readArgs, UsageError, wholeNumber, type Command } from '../command.ts'
import { readSecret } from '../secret-file.ts'
import type { PhoneAccount, PhoneModel, PhoneTransport } from '../phone-config/account.ts'
import { MODELS, modelNamed } from '../phone-config/models.ts'
import { qrMatrix } from '../qr/matrix.ts'
import { svg, terminalText } from '../qr/render.ts'

const HELP = `ringbridge phone-config MODEL AOR

Prints the settings of a phone that registers as AOR (user or user@domain) at the node of this configuration, or at the peers that
are named. Two peers are the first and the second choice of the phone. Nothing is stored, and no account is made: that is
"ringbridge users add".

MODEL is ${MODELS.map(({ name }) => name).join(', ')}.

  --config FILE        configuration of a node; given twice, those of the first and the second peer
  --server HOST[:PORT] a peer instead; may be given twice
  --dns                no peers: the phone asks DNS for the domain, see "ringbridge print-dns"
  --transport udp|tcp|tls  (default: udp, or what the node listens on)
  --username NAME      digest user name (default: user part of the AOR)
  --display-name NAME  (default: user part of the AOR)
  --password WORD      its password; without one a word stands in its place
  --password-file FILE file that holds it, - for standard input
  --expires SECONDS    of a registration (default 600 on UDP, 3600 else)
  --qr text|svg        the QR code that the phone's camera takes, instead of the settings
  --url URL            where the settings will be fetched from, for phones that scan that
  --out FILE           write into a file, readable by you alone
  --json               one object: model, file, text, notes, qr`

const OPTIONS = {
  config: { type: 'string', multiple: true },
  server: { type: 'string', multiple: true },
  dns: { type: 'boolean', default: false },
  transport: { type: 'string' },
  username: { type: 'string' },
  'display-name': { type: 'string' },
  password: { type: 'string' },
  'password-file': { type: 'string' },
  expires: { type: 'string' },
  qr: { type: 'string' },
  url: { type: 'string' },
  out: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

/** Stands where the password goes. */
const NO_PASSWORD = 'PASSWORD'

export const phoneConfig: Command = {
  help: HELP,
  run: (args) => {
    const { values, positionals } = readArgs(args, OPTIONS)
    const [modelName, aor] = positionals
    if (modelName === undefined || aor === undefined || positionals.length > 2)
      throw new UsageError('MODEL and AOR are expected')
    const model = modelNamed(modelName)
    const account = accountOf(aor, values)
    const form = values.qr === undefined ? undefined : oneOf(values.qr, 'qr', ['text', 'svg'])
    const { password } = account
    if (password === NO_PASSWORD && !values.json)
      process.stderr.write(
        'ringbridge: note: no password was given; PASSWORD stands in its place (--password-file FILE)\n',
      )
    const text = form === undefined ? model.text(account) : qrPicture(model, account, form)
    if (values.out !== undefined) {
      write(values.out, `${text}\n`)
      const aorWritten = `${account.user}@${account.domain}`
      if (values.json) print(JSON.stringify({ model: model.name, aor: aorWritten, out: values.out }))
      else print(`${values.out}: settings of ${aorWritten} for ${model.title}`)
    } else if (values.json) {
      const code = model.qr(account)
      const qr = 'payload' in code ? code.payload : null
      const { title, file } = model
      print(JSON.stringify({ model: model.name, title, file, text, notes: model.notes(account), qr }))
    } else {
      print(text)
      if (form === undefined)
        for (const note of [`goes into ${model.file}`, ...model.notes(account)])
          process.stderr.write(`ringbridge: note: ${note}\n`)
    }
    return Promise.resolve(EXIT.done)
  },
}

interface Values {
  readonly config?: string[] | undefined
  readonly server?: string[] | undefined
  readonly dns: boolean
  readonly transport?: string | undefined
  readonly username?: string | undefined
  readonly 'display-name'?: string | undefined
  readonly password?: string | undefined
  readonly 'password-file'?: string | undefined
  readonly expires?: string | undefined
  readonly url?: string | undefined
}

function accountOf(aor: string, values: Values): PhoneAccount {
  if (values.dns && values.server !== undefined)
    throw new UsageError('--dns and --server: a phone asks DNS for its peers or is told them, not both')
  const files = values.config ?? []
  const configs = (files.length === 0 ? [undefined] : files).map(
    (file) => loadConfig(file, process.env).config,
  )
  const domains = configs[0] === undefined ? [] : hostedDomains(configs[0])
  const bare = aor.replace(/^sips?:/i, '')
  const at = bare.lastIndexOf('@')
  const user = at < 0 ? bare : bare.slice(0, at)
  const domain = at < 0 ? (domains[0] as string) : bare.slice(at + 1)
  if (!isUsername(user))
    throw new UsageError(`an AOR like alice@example.com is expected, its user of ${USERNAME_RULE}`)
  if (!isHost(domain)) throw new UsageError(`AOR: "${domain}" is neither a domain nor an address`)
  const listeners = configs.map(phoneListeners)
  const schemes = new Set(listeners[0]?.map(({ scheme }) => scheme))
  const offered = (['udp', 'tcp', 'tls'] as const).filter((each) => schemes.has(each))
  const named = values.server ?? []
  const transport: PhoneTransport =
    values.transport === undefined
      ? named.length > 0
        ? 'udp'
        : (offered[0] ?? 'udp')
      : oneOf(values.transport, 'transport', ['udp', 'tcp', 'tls'])
  const servers =
    named.length > 0
      ? named.map((text) => serverNamed(text, transport === 'tls' ? 5061 : 5060))
      : values.dns
        ? []
        : listeners.map((all, index) => {
            const found = all.find(({ scheme }) => scheme === transport)
            if (found !== undefined) return { host: found.host, port: found.port }
            throw new UsageError(
              `${files[index] ?? 'this node'} has no ${transport}:// listener in sip.listen`,
            )
          })
  if (servers.length > 2) throw new UsageError('a phone knows two peers at most')
  const password =
    values['password-file'] === undefined ? values.password : readSecret(values['password-file'])
  return {
    user,
    domain,
    authName: plain(values.username ?? user, '--username'),
    displayName: plain(values['display-name'] ?? user, '--display-name'),
    password: plain(password ?? NO_PASSWORD, '--password'),
    servers,
    transport,
    expires: wholeNumber(values.expires ?? (transport === 'udp' ? '600' : '3600'), 'expires', 60, 86_400),
    url: values.url === undefined ? undefined : urlOf(values.url),
  }
}

function serverNamed(text: string, portDefault: number): HostPort {
  const server = parseHostPort(text, '--server', portDefault)
  if (!isHost(server.host))
    throw new UsageError(`--server: "${server.host}" is neither a host name nor an address`)
  return server
}

function urlOf(text: string): string {
  if (URL.canParse(text) && /^https?:/i.test(text)) return new URL(text).href
  throw new UsageError(`--url: "${text}" is no http or https URL`)
}

/** Settings files are made of lines: nothing from outside may begin one. */
function plain(text: string, name: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new UsageError(`${name}: no control characters, please`)
  return text
}

function qrPicture(model: PhoneModel, account: PhoneAccount, form: 'text' | 'svg'): string {
  const code = model.qr(account)
  if ('none' in code) throw new UsageError(`--qr: ${code.none}`)
  const matrix = qrMatrix(code.payload)
  if (matrix === undefined) throw new UsageError('--qr: too much for one QR code')
  return form === 'svg' ? svg(matrix) : terminalText(matrix)
}

function write(file: string, text: string): void {
  try {
    // The mode counts for a file that is made; one of before may be open to everybody.
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) chmodSync(file, 0o600)
    writeFileSync(file, text, { mode: 0o600 })
  } catch (error) {
    throw new UsageError(`--out: ${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? ''})`)
  }
}
