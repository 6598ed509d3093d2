/** What a testbed consists of: ports, roles and configuration of every peer (contract s.2). */

export const DOMAIN = 'dht.example.com'
const HOST = '127.0.0.1'
const HOST6 = '[::1]'

/** Ports between two peers of a testbed. */
const PORT_STEP = 10

export interface TestbedWishes {
  readonly peers: number
  /** Accounts. */
  readonly users: number
  readonly auth: 'digest' | 'none'
  readonly roles: readonly string[]
  /** Indexes of peers that redirect. */
  readonly redirect: ReadonlySet<number>
  readonly basePort: number
  /** Folder of everything. */
  readonly folder: string
  /** Folder for NSS key logs. */
  readonly keylog: string | undefined
  /** Besides UDP and TCP. */
  readonly transports?: readonly ExtraTransport[]
  /** Phones find every peer on ::1 as well. */
  readonly ipv6?: boolean
  readonly logLevel: string
}

export interface PeerPlan {
  readonly index: number
  /** host:port */
  readonly sip: string
  readonly admin: string
  readonly reload: string
  /** SIP flows of other peers. */
  readonly application: string
  /** Where phones find the further transports: host:port. */
  readonly extra: readonly (readonly [ExtraTransport, string])[]
  /** All listeners for phones, as URLs. */
  readonly listen: readonly string[]
  readonly folder: string
  readonly configFile: string
  /** JSON lines. */
  readonly logFile: string
  /** What the process says on standard error: phone settings for people, or why it could not start. */
  readonly messagesFile: string
  /** Content of the configuration file. */
  readonly config: object
}

/** Further transports for phones, and how far behind the SIP port of a peer they are. */
export const EXTRA_TRANSPORTS = { tls: 4, ws: 5, wss: 6 } as const
export type ExtraTransport = keyof typeof EXTRA_TRANSPORTS

/**
 * Peer i: SIP on base + 10 i, admin on +1, RELOAD on +2, SIP flows of peers on +3; where they are asked for, TLS on +4, WebSockets on
 * +5 and secure ones on +6.
 */
export function planPeers(wishes: TestbedWishes): PeerPlan[] {
  const addresses = Array.from({ length: wishes.peers }, (_, index) =>
    addressesOf(wishes.basePort + PORT_STEP * index, wishes),
  )
  const proxies = addresses.filter((_, index) => !wishes.redirect.has(index)).map(({ sip }) => sip)
  return addresses.map((address, index) => {
    const folder = `${wishes.folder}/peer-${index}`
    return {
      index,
      ...address,
      folder,
      configFile: `${folder}/config.yaml`,
      logFile: `${folder}/log.jsonl`,
      messagesFile: `${folder}/messages.txt`,
      config: configOf(wishes, {
        index,
        folder,
        proxies,
        address,
        bootstrap: index === 0 ? [] : [addresses[0]?.reload],
      }),
    }
  })
}

interface Addresses {
  readonly sip: string
  readonly admin: string
  readonly reload: string
  readonly application: string
  readonly extra: PeerPlan['extra']
  readonly listen: readonly string[]
}

function addressesOf(port: number, { transports = [], ipv6 = false }: TestbedWishes): Addresses {
  const listen: string[] = []
  for (const host of ipv6 ? [HOST, HOST6] : [HOST]) {
    listen.push(`udp://${host}:${port}`, `tcp://${host}:${port}`)
    for (const each of transports) listen.push(`${each}://${host}:${port + EXTRA_TRANSPORTS[each]}`)
  }
  return {
    sip: `${HOST}:${port}`,
    admin: `${HOST}:${port + 1}`,
    reload: `${HOST}:${port + 2}`,
    application: `${HOST}:${port + 3}`,
    extra: transports.map((each) => [each, `${HOST}:${port + EXTRA_TRANSPORTS[each]}`] as const),
    listen,
  }
}

function configOf(
  wishes: TestbedWishes,
  peer: {
    readonly index: number
    readonly folder: string
    readonly proxies: readonly string[]
    readonly address: Addresses
    readonly bootstrap: readonly (string | undefined)[]
  },
): object {
  const { address, index } = peer
  const redirects = wishes.redirect.has(index)
  return {
    overlay: {
      name: DOMAIN,
      listen: [`tls://${address.reload}`],
      applicationListen: `tls://${address.application}`,
      bootstrap: peer.bootstrap,
      // Of two peers the survivor of a crash has no neighbor left; a testbed wants it to go on.
      standalone: wishes.peers <= 2,
      authority: authorityFolder(wishes.folder),
      ...(wishes.keylog === undefined ? {} : { keylog: `${wishes.keylog}/peer-${index}.keylog` }),
    },
    sip: {
      roles: redirects ? ['registrar', 'redirect'] : wishes.roles,
      domains: [DOMAIN],
      listen: address.listen,
      users: accountsFile(wishes.folder),
      auth: wishes.auth,
      // Every account may register anywhere: certificates are made where that happens, not everywhere for everybody.
      enrollOnFirstRegister: true,
      ...(redirects ? { redirect: { proxies: peer.proxies } } : {}),
    },
    admin: { listen: address.admin },
    data: { dir: `${peer.folder}/data` },
    log: { level: wishes.logLevel, format: 'json' },
  }
}

export function authorityFolder(folder: string): string {
  return `${folder}/authority`
}

/** What phones have to trust on TLS. */
export function rootFile(folder: string): string {
  return `${authorityFolder(folder)}/root-ca.pem`
}

export function accountsFile(folder: string): string {
  return `${folder}/users.jsonl`
}

/** `u0000000`, `u0000001`, … */
export function userName(index: number): string {
  return `u${String(index).padStart(7, '0')}`
}
