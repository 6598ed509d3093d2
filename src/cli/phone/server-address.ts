/** Where the test phone sends: names are looked up here, and what cannot work is said before anything is sent. */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { parseHostPort, type HostPort } from '../../app/config/endpoint.ts'
import { RingbridgeError } from '../../common/errors.ts'
import { UsageError } from '../command.ts'

const CONNECT_WITHIN_MS = 5_000

/**
 * The IPv4 address of `--server`. npm `sip` cannot read an IPv6 address in a Via or a URI, so the test phone speaks IPv4
 * only: an IPv6 literal is a `UsageError`. A name without an address rejects with `RingbridgeError` `NO_ADDRESS`.
 */
export async function serverAddress(text: string): Promise<HostPort> {
  const { host, port } = parseHostPort(text, '--server', 5060)
  if (isIP(host) === 6)
    throw new UsageError(
      `--server: ${text} is IPv6 and the test phone speaks IPv4 only; a listener on [::] has both`,
    )
  if (isIP(host) === 4) return { host, port }
  try {
    const { address } = await lookup(host, { family: 4 })
    return { host: address, port }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new RingbridgeError('NO_ADDRESS', `--server: no IPv4 address for ${host} (${code ?? 'unknown'})`, {
      cause: error,
    })
  }
}

/** The own address that datagrams to `server` leave from. */
export async function addressTowards(server: HostPort): Promise<string> {
  const socket = createSocket('udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(server.port, server.host, resolve)
    })
    return socket.address().address
  } catch (error) {
    throw unreachable(server, error)
  } finally {
    socket.close()
  }
}

/** What the certificate of the server has to be like. */
export interface TlsTrust {
  /** PEM; undefined: the public authorities. */
  readonly ca?: string | undefined
  /** The name that was asked for; undefined for an address. */
  readonly name?: string | undefined
  /** Whatever it is shown will do. */
  readonly insecure?: boolean
}

export function tlsOptions({ ca, name, insecure = false }: TlsTrust = {}): {
  ca?: string
  servername?: string
  rejectUnauthorized: boolean
} {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(name === undefined ? {} : { servername: name }),
    rejectUnauthorized: !insecure,
  }
}

/** Whether somebody takes a connection there: the library would only say so on the screen. */
export async function checkConnection(
  server: HostPort,
  transport: 'tcp' | 'tls',
  trust?: TlsTrust,
): Promise<void> {
  const socket =
    transport === 'tcp'
      ? connect({ ...server, timeout: CONNECT_WITHIN_MS })
      : connectTls({ ...server, timeout: CONNECT_WITHIN_MS, ...tlsOptions(trust) })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(transport === 'tcp' ? 'connect' : 'secureConnect', resolve)
      socket.once('error', reject)
      socket.once('timeout', () => reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })))
    })
  } catch (error) {
    throw unreachable(server, error)
  } finally {
    socket.destroy()
  }
}

/** Nobody answered: not a status, since no server gave one. */
export class NoAnswer extends RingbridgeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('NO_ANSWER', message, options)
    this.name = 'NoAnswer'
  }
}

function unreachable({ host, port }: HostPort, error: unknown): NoAnswer {
  const { code } = error as NodeJS.ErrnoException
  return new NoAnswer(`no answer from ${host}:${port} (${code ?? 'unknown'})`, { cause: error })
}
