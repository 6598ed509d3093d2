/** `ringbridge overlay serve`: an enrollment and configuration server without a node. */
import { existsSync } from 'node:fs'
import { ConfigError } from '../../app/config/fault.ts'
import { isHost } from '../../app/config/names.ts'
import { openEnrollmentService } from '../../app/enrollment-service.ts'
import { openLog } from '../../app/log.ts'
import { asConfigError, AUTHORITY, documentFile, rootFile } from '../../app/trust/overlay-folder.ts'
import { openAuthority } from '../../enrollment/io/index.ts'
import { EXIT, readArgs, UsageError, wholeNumber } from '../command.ts'

const OPTIONS = {
  authority: { type: 'string', default: './data/authority' },
  listen: { type: 'string', default: '0.0.0.0:8443' },
  name: { type: 'string', multiple: true },
  certificate: { type: 'string' },
  'private-key': { type: 'string' },
  validity: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

/** `args`: what follows "serve". Resolves at SIGTERM or SIGINT. */
export async function overlayServe(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArgs(args, OPTIONS)
  const [name] = positionals
  if (name === undefined || positionals.length > 1) throw new UsageError('one NAME is expected')
  const { authority: folder, certificate, 'private-key': privateKey } = values
  if ((certificate === undefined) !== (privateKey === undefined))
    throw new UsageError('--certificate and --private-key go together')
  for (const each of values.name ?? []) {
    if (!isHost(each)) throw new UsageError(`--name: "${each}" is neither a host name nor an address`)
  }
  if (!existsSync(documentFile(folder)))
    throw new ConfigError(`${documentFile(folder)}: no such file; overlay init makes it`)
  const validityMs =
    values.validity === undefined
      ? {}
      : { validityMs: 1000 * wholeNumber(values.validity, 'validity', 60, 315_360_000) }
  const log = openLog('info', values.json ? 'json' : 'auto')
  const authority = await asConfigError(openAuthority(folder, name, Date.now(), validityMs), AUTHORITY)
  try {
    const files =
      certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey }
    const service = await openEnrollmentService(
      authority,
      { folder, listen: values.listen, names: values.name ?? [], files, key: '--listen' },
      log.trace,
    )
    if (log.format === 'text')
      announce(service.address, service.names, files === undefined ? rootFile(folder) : undefined)
    const reread = (): void => {
      try {
        service.prepare(files)()
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        log.trace({ level: 'error', area: 'enrollment', event: 'https_certificate_not_renewed', reason })
      }
    }
    process.on('SIGHUP', reread)
    await new Promise<void>((resolve) => {
      process.once('SIGTERM', () => resolve())
      process.once('SIGINT', () => resolve())
    })
    process.off('SIGHUP', reread)
    await service.close()
  } finally {
    await authority.close()
  }
  return EXIT.done
}

function announce(address: string, names: readonly string[], ca: string | undefined): void {
  process.stdout.write(`
Enrollment server on https://${address}/
  its certificate is for   ${names.join(' ')}
  nodes need as overlay.ca ${ca ?? 'the CA of the certificate that was given'}

`)
}
