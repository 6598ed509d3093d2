/** `ringbridge overlay`: an authority and its signed Configuration Document, without running a node. */
import { existsSync, readFileSync } from 'node:fs'
import { RingbridgeError } from '../../common/errors.ts'
import { toHex } from '../../common/bytes.ts'
import { bindable, parseHostPort } from '../../app/config/endpoint.ts'
import { ConfigError } from '../../app/config/fault.ts'
import { writePrivate } from '../../app/files.ts'
import { signedDocument } from '../../app/trust/overlay-document.ts'
import {
  asConfigError,
  documentFile,
  documentSigner,
  openOverlayFolder,
} from '../../app/trust/overlay-folder.ts'
import { openAuthority } from '../../enrollment/io/index.ts'
import { NodeCrypto } from '../../reload/security/index.ts'
import { nextSequence, parseConfiguration, type OverlayConfiguration } from '../../reload/config/index.ts'
import { nodeIdFromHex } from '../../reload/codec/index.ts'
import { EXIT, print, readArgs, UsageError, wholeNumber, type Command, verbOf } from '../command.ts'

const HELP = `ringbridge overlay init NAME   found an authority and write configuration.xml, sequence 0
ringbridge overlay sign NAME   write the next sequence of configuration.xml, with the changes that the options ask for

NAME is the overlay instance, e.g. dht.example.com; it is the domain of the users.

  --authority DIR            folder of the authority (default ./data/authority)
  --bootstrap ADDR:PORT,...  bootstrap nodes, IP addresses (RFC 6940 s.11.1)
  --update-interval SECONDS  Updates to neighbors
  --ping-interval SECONDS    Pings of fingers
  --bad-node HEX             sign: shut out a Node-ID; may be given several times
  --json                     JSON`

const OPTIONS = {
  authority: { type: 'string', default: './data/authority' },
  bootstrap: { type: 'string' },
  'update-interval': { type: 'string' },
  'ping-interval': { type: 'string' },
  'bad-node': { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
} as const

export const overlay: Command = {
  help: HELP,
  run: async (args) => {
    const { values, positionals } = readArgs(args, OPTIONS)
    const [verb, name] = positionals
    const action = verbOf(verb, 'overlay', ['init', 'sign'])
    if (name === undefined || positionals.length > 2) throw new UsageError('one NAME is expected')
    const changes = changesOf(values)
    const folder = values.authority
    const file = documentFile(folder)
    const sequence =
      action === 'init'
        ? await init(folder, name, changes)
        : await sign(folder, name, changes, values['bad-node'] ?? [])
    if (values.json)
      print(JSON.stringify({ overlay: name, authority: folder, configuration: file, sequence }))
    else print(`${file}: signed, sequence ${sequence}`)
    return EXIT.done
  },
}

type Changes = Partial<
  Pick<OverlayConfiguration, 'bootstrapNodes' | 'chordUpdateIntervalS' | 'chordPingIntervalS'>
>

function changesOf(values: {
  bootstrap?: string | undefined
  'update-interval'?: string | undefined
  'ping-interval'?: string | undefined
}): Changes {
  const { bootstrap, 'update-interval': update, 'ping-interval': ping } = values
  return {
    ...(bootstrap === undefined ? {} : { bootstrapNodes: bootstrap.split(',').map(bootstrapNode) }),
    ...(update === undefined
      ? {}
      : { chordUpdateIntervalS: wholeNumber(update, 'update-interval', 1, 86_400) }),
    ...(ping === undefined ? {} : { chordPingIntervalS: wholeNumber(ping, 'ping-interval', 1, 86_400) }),
  }
}

function bootstrapNode(text: string): { address: string; port: number } {
  const { host, port } = bindable(parseHostPort(text.trim(), '--bootstrap', 6084), '--bootstrap')
  return { address: host, port }
}

async function init(folder: string, name: string, changes: Changes): Promise<number> {
  if (existsSync(documentFile(folder)))
    throw new ConfigError(`${documentFile(folder)}: is there already; overlay sign makes the next one`)
  const { bootstrapNodes, chordUpdateIntervalS, chordPingIntervalS } = changes
  const authority = await openOverlayFolder(new NodeCrypto(), folder, name, {
    ...(bootstrapNodes === undefined ? {} : { bootstrapNodes }),
    ...(chordUpdateIntervalS === undefined ? {} : { updateIntervalS: chordUpdateIntervalS }),
    ...(chordPingIntervalS === undefined ? {} : { pingIntervalS: chordPingIntervalS }),
  })
  await authority.close()
  return 0
}

async function sign(
  folder: string,
  name: string,
  changes: Changes,
  badNodes: readonly string[],
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
    badNodes: [...configuration.badNodes, ...badNodes.map((hex) => badNode(hex, configuration))],
  }
  const authority = await asConfigError(openAuthority(folder, name, Date.now()))
  try {
    const signer = await documentSigner(crypto, authority, folder)
    if (!configuration.configurationSigners.some((id) => toHex(id) === toHex(signer.nodeId))) {
      throw new RingbridgeError('SIGNER', `${folder}: its signer is not a configuration-signer of ${file}`)
    }
    writePrivate(file, signedDocument(crypto, next, signer))
  } finally {
    await authority.close()
  }
  return next.sequence
}

function badNode(hex: string, { nodeIdLength }: OverlayConfiguration) {
  const id = nodeIdFromHex(hex)
  if (id?.length !== nodeIdLength)
    throw new UsageError(`--bad-node: ${2 * nodeIdLength} hex digits are expected`)
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
