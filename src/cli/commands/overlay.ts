/** `ringbridge overlay`: an authority and its signed Configuration Document, without running a node. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { toHex } from '../../common/bytes.ts'
import { bindable, isUnspecified, parseHostPort } from '../../app/config/endpoint.ts'
import { ConfigError } from '../../app/config/fault.ts'
import { writePrivate } from '../../app/files.ts'
import { FOUNDED_NODE_ID_LENGTH, signedDocument } from '../../app/trust/overlay-document.ts'
import { documentFile, openOverlayFolder, rootFile, storedSigner } from '../../app/trust/overlay-folder.ts'
import { enrollPlace } from '../../enrollment/index.ts'
import { NodeCrypto } from '../../reload/security/index.ts'
import { nextSequence, parseConfiguration, type OverlayConfiguration } from '../../reload/config/index.ts'
import { isOverlayName, nodeIdFromHex, sameId, type NodeId } from '../../reload/codec/index.ts'
import { EXIT, print, readArgs, UsageError, wholeNumber, type Command, verbOf } from '../command.ts'
import { overlayAccounts } from './overlay-accounts.ts'
import { overlayServe } from './overlay-serve.ts'

const HELP = `ringbridge overlay init NAME   found an authority and write configuration.xml, sequence 0
ringbridge overlay sign NAME   write the next sequence of configuration.xml, with the changes that the options ask for
ringbridge overlay serve NAME  serve the document and enrollment over https until SIGTERM
ringbridge overlay accounts add|list|remove [ACCOUNT]   who may enroll at that server

NAME is the overlay instance, e.g. dht.example.com; it is the domain of the users.

  --authority DIR            folder of the authority (default ./data/authority)
  --bootstrap ADDR:PORT,...  bootstrap nodes, IP addresses (RFC 6940 s.11.1)
  --update-interval SECONDS  Updates to neighbors
  --ping-interval SECONDS    Pings of fingers
  --bad-node HEX             shut out a Node-ID; may be given several times
  --good-node HEX            sign: let a Node-ID that is shut out in again; its node has to be started anew
  --enrollment URL,...       https URLs of enrollment servers, e.g. https://ca.example.com:8443/enroll
  --self-signed DIGEST       permit self-signed certificates: sha1, sha256 or none
  --expires DAYS             days until the document expires (default: never)
  --if-missing               init: leave what is there as it is, and be done
  --public DIR               copy root-ca.pem and configuration.xml there, for nodes that shall not see the keys
  --json                     JSON

  serve: --listen HOST:PORT (default 0.0.0.0:8443), --name NAME further names of its certificate, --certificate FILE and
         --private-key FILE instead of a certificate of the authority, --validity SECONDS of what it issues
  accounts add: --names 'alice@example.com,*@example.com' user names it may enroll (default its own), --password-file FILE
         (- for standard input; without it a password is made up and printed once); adding again changes the account`

const OPTIONS = {
  authority: { type: 'string', default: './data/authority' },
  bootstrap: { type: 'string' },
  'update-interval': { type: 'string' },
  'ping-interval': { type: 'string' },
  'bad-node': { type: 'string', multiple: true },
  'good-node': { type: 'string', multiple: true },
  enrollment: { type: 'string' },
  'self-signed': { type: 'string' },
  expires: { type: 'string' },
  'if-missing': { type: 'boolean', default: false },
  public: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

export const overlay: Command = {
  help: HELP,
  run: async (args) => {
    if (args[0] === 'accounts') return overlayAccounts(args.slice(1))
    if (args[0] === 'serve') return overlayServe(args.slice(1))
    const { values, positionals } = readArgs(args, OPTIONS)
    const [verb, name] = positionals
    const action = verbOf(verb, 'overlay', ['init', 'sign', 'serve', 'accounts'])
    if (action === 'serve' || action === 'accounts')
      throw new UsageError(`${action} stands in front of its options`)
    if (name === undefined || positionals.length > 2) throw new UsageError('one NAME is expected')
    const changes = changesOf(values)
    const badNodes = values['bad-node'] ?? []
    const goodNodes = values['good-node'] ?? []
    if (action === 'init' && goodNodes.length > 0)
      throw new UsageError('--good-node: nobody is shut out of an overlay that is founded')
    const folder = values.authority
    const file = documentFile(folder)
    const there = action === 'init' && values['if-missing'] && existsSync(file)
    const sequence = there
      ? sequenceOf(file, name)
      : action === 'init'
        ? await init(folder, name, changes, badNodes)
        : await sign(folder, name, changes, { badNodes, goodNodes })
    const ca = rootFile(folder)
    if (values.public !== undefined) publish([ca, file], values.public)
    if (values.json)
      print(JSON.stringify({ overlay: name, authority: folder, configuration: file, sequence, ca }))
    else {
      print(`${file}: ${there ? 'is there' : 'signed'}, sequence ${sequence}`)
      if (action === 'init') print(`${ca}: root certificate, overlay.ca of nodes elsewhere`)
    }
    return EXIT.done
  },
}

/** Neither is a secret: everybody may read the copies. */
function publish(files: readonly string[], folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    for (const file of files) {
      const copy = join(folder, basename(file))
      copyFileSync(file, copy)
      chmodSync(copy, 0o644)
    }
  } catch (error) {
    throw new ConfigError(
      `${folder}: cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); see --public`,
      { cause: error },
    )
  }
}

function sequenceOf(file: string, name: string): number {
  const current = parseConfiguration(read(file), name)
  if (!current.ok) throw new ConfigError(`${file}: ${current.error.reason}`)
  return current.value.configuration.sequence
}

type Changes = Partial<
  Pick<
    OverlayConfiguration,
    | 'bootstrapNodes'
    | 'chordUpdateIntervalS'
    | 'chordPingIntervalS'
    | 'enrollmentServers'
    | 'selfSigned'
    | 'expiration'
  >
>

function changesOf(values: {
  bootstrap?: string | undefined
  'update-interval'?: string | undefined
  'ping-interval'?: string | undefined
  enrollment?: string | undefined
  'self-signed'?: string | undefined
  expires?: string | undefined
}): Changes {
  const { enrollment, 'self-signed': digest, expires } = values
  const { bootstrap, 'update-interval': update, 'ping-interval': ping } = values
  return {
    ...(bootstrap === undefined ? {} : { bootstrapNodes: bootstrap.split(',').map(bootstrapNode) }),
    ...(update === undefined
      ? {}
      : { chordUpdateIntervalS: wholeNumber(update, 'update-interval', 1, 86_400) }),
    ...(ping === undefined ? {} : { chordPingIntervalS: wholeNumber(ping, 'ping-interval', 1, 86_400) }),
    ...(enrollment === undefined ? {} : { enrollmentServers: enrollment.split(',').map(enrollmentServer) }),
    ...(digest === undefined ? {} : { selfSigned: selfSigned(digest) }),
    ...(expires === undefined
      ? {}
      : { expiration: Date.now() + 86_400_000 * wholeNumber(expires, 'expires', 1, 36_500) }),
  }
}

function enrollmentServer(text: string): string {
  const url = text.trim()
  const place = enrollPlace('', url)
  if (!place.ok) throw new UsageError(`--enrollment: "${url}" is not an https URL`)
  return url
}

function selfSigned(digest: string): OverlayConfiguration['selfSigned'] {
  if (digest === 'none') return undefined
  if (digest === 'sha1' || digest === 'sha256') return digest
  throw new UsageError('--self-signed: allowed: sha1, sha256, none')
}

function bootstrapNode(text: string): { address: string; port: number } {
  const { host, port } = bindable(parseHostPort(text.trim(), '--bootstrap', 6084), '--bootstrap')
  // Everybody is given it as the place to go to.
  if (isUnspecified(host) || port === 0)
    throw new UsageError(
      `--bootstrap: "${text.trim()}" is an address to listen on, not one that others reach`,
    )
  return { address: host, port }
}

async function init(
  folder: string,
  name: string,
  changes: Changes,
  badNodes: readonly string[],
): Promise<number> {
  // Before anything is founded: a folder of that name would stand in the way of the right one.
  if (!isOverlayName(name)) throw new UsageError(`"${name}" is no DNS name, such as dht.example.com`)
  if (existsSync(documentFile(folder)))
    throw new ConfigError(`${documentFile(folder)}: is there already; overlay sign makes the next one`)
  const {
    bootstrapNodes,
    chordUpdateIntervalS,
    chordPingIntervalS,
    enrollmentServers,
    selfSigned,
    expiration,
  } = changes
  const shutOut = badNodes.map((hex) => badNode(hex, { nodeIdLength: FOUNDED_NODE_ID_LENGTH }))
  const authority = await openOverlayFolder(new NodeCrypto(), folder, name, {
    ...(bootstrapNodes === undefined ? {} : { bootstrapNodes }),
    ...(chordUpdateIntervalS === undefined ? {} : { updateIntervalS: chordUpdateIntervalS }),
    ...(chordPingIntervalS === undefined ? {} : { pingIntervalS: chordPingIntervalS }),
    ...(enrollmentServers === undefined ? {} : { enrollmentServers }),
    ...(selfSigned === undefined ? {} : { selfSigned }),
    ...(expiration === undefined ? {} : { expiration }),
    badNodes: shutOut,
  })
  await authority.close()
  return 0
}

async function sign(
  folder: string,
  name: string,
  changes: Changes,
  { badNodes, goodNodes }: { readonly badNodes: readonly string[]; readonly goodNodes: readonly string[] },
): Promise<number> {
  const file = documentFile(folder)
  const crypto = new NodeCrypto()
  const current = parseConfiguration(read(file), name)
  if (!current.ok) throw new ConfigError(`${file}: ${current.error.reason}`)
  const { configuration } = current.value
  const next: OverlayConfiguration = {
    ...configuration,
    ...changes,
    sequence: nextSequence(configuration.sequence),
    badNodes: badNodesAfter(configuration, badNodes, goodNodes),
  }
  // Nothing is founded here: a root or a signer of its own would only stand in the way of the right ones.
  const signer = await storedSigner(crypto, folder, name)
  const known = configuration.configurationSigners.some(
    (id) => signer !== undefined && sameId(id, signer.nodeId),
  )
  if (signer === undefined || !known)
    throw new ConfigError(
      `${folder}: its signer ${signer === undefined ? 'is missing' : `is not a configuration-signer of ${file}`}; sign in the folder that the overlay was founded in, or in a copy of the whole of it`,
    )
  writePrivate(file, signedDocument(crypto, next, signer))
  return next.sequence
}

/** Each once. Who is named good by mistake may not pass unnoticed: somebody else would stay shut out. */
function badNodesAfter(
  configuration: OverlayConfiguration,
  bad: readonly string[],
  good: readonly string[],
): NodeId[] {
  const badNodes = new Map(configuration.badNodes.map((id) => [toHex(id), id]))
  for (const hex of bad) {
    const id = badNode(hex, configuration)
    badNodes.set(toHex(id), id)
  }
  for (const hex of good) {
    if (!badNodes.delete(toHex(badNode(hex, configuration, '--good-node'))))
      throw new UsageError(`--good-node: ${hex} is not shut out`)
  }
  return [...badNodes.values()]
}

function badNode(
  hex: string,
  { nodeIdLength }: Pick<OverlayConfiguration, 'nodeIdLength'>,
  option = '--bad-node',
): NodeId {
  const id = nodeIdFromHex(hex)
  if (id?.length !== nodeIdLength)
    throw new UsageError(`${option}: ${2 * nodeIdLength} hex digits are expected`)
  return id
}

function read(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new ConfigError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, {
      cause: error,
    })
  }
}
