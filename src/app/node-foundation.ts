/** What a node stands on before it listens anywhere: the overlay's document, its own keys, its journal. */
import type { Trace } from '../common/trace.ts'
import { LevelJournal } from '../reload/io/disk-store.ts'
import { NodeCrypto } from '../reload/index.ts'
import { journalFolder, usersFolder } from './config/places.ts'
import type { Config } from './config/schema.ts'
import { privateFolder } from './files.ts'
import { NameLookup } from './name-lookup.ts'
import type { Startup } from './startup.ts'
import { importedUsers } from './trust/imported-users.ts'
import { nodeCredential } from './trust/node-identity.ts'
import { OwnStanding } from './trust/own-standing.ts'
import { openOverlay, type Overlay } from './trust/overlay.ts'
import { asConfigError } from './trust/overlay-folder.ts'
import { RenewableCredential } from './trust/renewable-credential.ts'
import { UserVault } from './trust/user-vault.ts'
import { unlessStopped } from './unless-stopped.ts'

export interface Foundation {
  readonly crypto: NodeCrypto
  readonly overlay: Overlay
  /** Tells an enrollment authority on this machine which names the overlay holds already. */
  readonly names: NameLookup
  readonly credential: RenewableCredential
  readonly standing: OwnStanding
  readonly vault: UserVault
  readonly journal: LevelJournal
  /** Records of the journal, by name. */
  readonly restored: readonly (readonly [string, Uint8Array])[]
}

const JOURNAL = 'the journal'
/** Judgement: a process that was killed may be gone only when a slow disk has done what it was asked for last. */
const JOURNAL_WAIT_MS = 5_000

/** Throws `ConfigError`, and `RingbridgeError` `STOPPED` when the signal ends the wait for servers of the overlay. */
export async function openFoundation(
  config: Config,
  trace: Trace,
  startup: Startup,
  signal: AbortSignal | undefined,
): Promise<Foundation> {
  const crypto = new NodeCrypto()
  privateFolder(config.data.dir, 'data.dir')
  const names = new NameLookup()
  const overlay = await openOverlay(crypto, config, trace, names.isTaken, { signal })
  startup.onStop(() => overlay.close())
  const { configuration, source } = overlay
  const parts = { crypto, source, trace }
  const credential = new RenewableCredential(
    await unlessStopped(nodeCredential(parts, config, configuration.instanceName), signal),
  )
  const standing = new OwnStanding(crypto, credential)
  const refusal = standing.refusal(configuration, Date.now())
  if (refusal !== undefined)
    trace({ level: 'error', area: 'app', event: 'node_certificate_refused', reason: refusal })
  const vault = new UserVault(parts, { folder: usersFolder(config), overlayName: configuration.instanceName })
  for (const [aor, each] of importedUsers(crypto, config, configuration.instanceName)) vault.bring(aor, each)
  const folder = journalFolder(config)
  const waiting = (): void => trace({ level: 'warn', area: 'app', event: 'journal_locked', folder })
  const whenMadeAgain = (records: number): void =>
    trace({ level: 'error', area: 'app', event: 'journal_made_again', folder, records })
  const journal = await asConfigError(
    LevelJournal.open(folder, { whenLocked: { waitMs: JOURNAL_WAIT_MS, waiting }, whenMadeAgain }),
    JOURNAL,
  )
  startup.onStop(() => journal.close())
  const { droppedBytes: bytes } = journal
  if (bytes > 0 || journal.lostLog)
    trace({ level: 'error', area: 'app', event: 'journal_damaged', folder, bytes, lostLog: journal.lostLog })
  const restored = await asConfigError(recordsOf(journal), JOURNAL)
  return { crypto, overlay, names, credential, standing, vault, journal, restored }
}

async function recordsOf(journal: LevelJournal): Promise<Foundation['restored']> {
  const records: (readonly [string, Uint8Array])[] = []
  for await (const record of journal.load()) records.push(record)
  return records
}
