/** What /readyz looks at. */
import { accessSync, constants, statfsSync } from 'node:fs'
import type { NodeCore } from '../adapter/index.ts'
import type { Check } from '../admin/port.ts'
import { clock } from '../reload/io/loop.ts'
import { sameId } from '../reload/codec/index.ts'
import type { OverlayConfiguration } from '../reload/config/index.ts'
import type { Credential } from '../reload/index.ts'
import type { DrachtioShell } from '../sip/io/drachtio/drachtio-shell.ts'
import type { JournalWriter } from './journal-writer.ts'
import type { NodeLoop } from './node-loop.ts'
import type { PhoneTlsWatch } from './phone-tls-watch.ts'
import type { OwnStanding } from './trust/own-standing.ts'

/** A self-test older than this does not prove anything any more: two and a half rounds of ten seconds. */
const SELF_TEST_FRESH_MS = 25_000
/** Less room than this on the disk, and the next writes of the journal will fail. */
const ROOM_MIN_BYTES = 1_048_576

export interface ReadinessParts {
  readonly core: NodeCore
  readonly loop: NodeLoop
  readonly writer: JournalWriter
  readonly phoneTls: PhoneTlsWatch
  readonly front: DrachtioShell | undefined
  /** Address of the drachtio server. */
  readonly engine: string | undefined
  readonly credential: Credential
  readonly standing: OwnStanding
  /** In force. */
  readonly configuration: OverlayConfiguration
  /** Of the wall clock. */
  readonly nowMs: number
  readonly dataFolder: string
  readonly standalone: boolean
  readonly draining: boolean
}

/** All checks, passing or not. */
export function readinessChecks(parts: ReadinessParts): Check[] {
  const { state } = parts.loop
  const joined = state === 'joined' || (state === 'isolated' && parts.standalone)
  return [
    { name: 'joined', ok: joined, ...(joined ? {} : { detail: `the overlay state is ${state}` }) },
    selfTest(parts.core),
    journal(parts),
    certificate(parts),
    { name: 'phoneCertificate', ...(parts.phoneTls.check(parts.nowMs) ?? { ok: true }) },
    {
      name: 'draining',
      ok: !parts.draining,
      ...(parts.draining ? { detail: 'handing over and leaving' } : {}),
    },
    engine(parts),
  ]
}

/** Phones behind an engine are served while it is connected. */
function engine({ front, engine: address }: ReadinessParts): Check {
  const fault = front?.fault
  if (fault === undefined) return { name: 'sip', ok: true }
  return {
    name: 'sip',
    ok: false,
    detail: `the drachtio server at ${address ?? ''} is not connected: ${fault}`,
  }
}

function selfTest(core: NodeCore): Check {
  const { lastSuccessMs } = core.adapter.snapshot(clock()).selfTest
  const age = lastSuccessMs === undefined ? undefined : performance.now() - lastSuccessMs
  if (age !== undefined && age < SELF_TEST_FRESH_MS) return { name: 'selfTest', ok: true }
  const detail =
    age === undefined ? 'no round has succeeded yet' : `last success ${Math.round(age / 1000)} s ago`
  return { name: 'selfTest', ok: false, detail }
}

function journal({ writer, dataFolder }: ReadinessParts): Check {
  const fault = writer.fault ?? unwritable(dataFolder)
  return fault === undefined ? { name: 'journal', ok: true } : { name: 'journal', ok: false, detail: fault }
}

/** Others believe nothing that is signed with an expired one, one that begins later, one of another root, or by a node that is shut out. */
function certificate({ credential, standing, configuration, nowMs }: ReadinessParts): Check {
  const { notBefore, notAfter } = credential.certificate
  const at = (time: number): string => new Date(time).toISOString()
  const refused = (detail: string): Check => ({ name: 'certificate', ok: false, detail })
  if (configuration.badNodes.some((nodeId) => sameId(nodeId, credential.nodeId)))
    return refused(
      `this node is shut out: the Configuration Document lists its Node-ID as bad-node since sequence ${configuration.sequence} at the latest`,
    )
  if (nowMs < notBefore)
    return refused(`the node's certificate begins at ${at(notBefore)}; is the clock of this machine right?`)
  if (nowMs >= notAfter) return refused(`the node's certificate expired at ${at(notAfter)}`)
  const refusal = standing.refusal(configuration, nowMs)
  if (refusal !== undefined) return refused(`others do not believe this node: ${refusal}`)
  return { name: 'certificate', ok: true }
}

function unwritable(folder: string): string | undefined {
  try {
    accessSync(folder, constants.W_OK)
    const { blocks, bavail, bsize } = statfsSync(folder)
    // Some file systems do not say how large they are.
    if (blocks === 0 || bavail * bsize >= ROOM_MIN_BYTES) return undefined
    return `${folder} has ${bavail * bsize} bytes of room left`
  } catch (error) {
    return `${folder} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`
  }
}
