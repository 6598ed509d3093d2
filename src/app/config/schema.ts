/**
 * The configuration file: every key with its type, default and meaning (contract s.3, adapter-mapping s.11). This one
 * description checks the file, gives the JSON Schema and the list of keys that the environment may set.
 */
import { z } from 'zod'

const text = () => z.string().min(1).max(1024)
const seconds = (least: number, most: number) => z.int().min(least).max(most)

const overlay = z.strictObject({
  name: text()
    .optional()
    .describe('Name of the overlay instance; a founder calls its overlay so. Default dht.example.com.'),
  configuration: text()
    .optional()
    .describe(
      'Signed Configuration Document: a file, the https URL of a configuration server, or "discover" to find that by DNS.',
    ),
  ca: text()
    .optional()
    .describe(
      'PEM file of the CAs to believe on https. Default: the public CAs; the root-certs of a document count besides.',
    ),
  role: z
    .enum(['peer', 'client'])
    .default('peer')
    .describe('peer routes and stores for others, client does not.'),
  listen: z
    .array(text())
    .min(1)
    .max(1)
    .default(['tls://0.0.0.0:6084'])
    .describe('Where other peers connect.'),
  applicationListen: text()
    .optional()
    .describe('Where SIP flows of other peers connect. Default: the port after overlay.listen.'),
  advertise: text()
    .optional()
    .describe('Address other peers use when listen is 0.0.0.0. Default: first IPv4 address of the host.'),
  bootstrap: z
    .array(text())
    .max(64)
    .default([])
    .describe('host:port of peers to join through; none founds the overlay.'),
  credentials: z
    .enum(['enroll', 'self-signed', 'import'])
    .default('enroll')
    .describe('Where the certificates come from.'),
  account: text().optional().describe('Account at the enrollment server, with credentials: enroll.'),
  password: text().optional().describe('Its password.'),
  userName: text()
    .optional()
    .describe('user@domain in the certificate of the node. Default: the account, or a random name.'),
  certificate: text().optional().describe('PEM file of the node certificate, with credentials: import.'),
  privateKey: text().optional().describe('PEM file of its private key.'),
  authority: text()
    .optional()
    .describe('Folder of an enrollment authority on this machine; founded when it is empty.'),
  enrollment: z
    .strictObject({
      listen: text()
        .optional()
        .describe('host:port; serves the Configuration Document and enrollment over https.'),
      url: text()
        .optional()
        .describe('https URL of enrollment for the document of an overlay that is founded here.'),
      names: z
        .array(text())
        .max(32)
        .default([])
        .describe('Further names and addresses for the certificate of the https server.'),
      certificate: text()
        .optional()
        .describe('PEM file of its certificate. Default: one issued by the authority for the overlay name.'),
      privateKey: text().optional().describe('PEM file of its private key.'),
      validity: seconds(60, 315_360_000)
        .default(31_536_000)
        .describe('Seconds that a certificate issued here is valid.'),
    })
    .prefault({})
    .describe('Enrollment server (RFC 6940 s.11.3) for the authority of this machine.'),
  standalone: z
    .boolean()
    .default(false)
    .describe('Go on serving phones when every other peer is out of reach, as a ring of one.'),
  keylog: text()
    .optional()
    .describe('File for the NSS key log of all links. Makes every link readable: for tests only.'),
})

const sip = z.strictObject({
  roles: z
    .array(z.enum(['registrar', 'proxy', 'redirect']))
    .max(3)
    .default(['registrar', 'proxy'])
    .describe('Empty: a plain peer without SIP.'),
  domains: z
    .array(text())
    .max(64)
    .default([])
    .describe('Hosted domains; the first is the realm. Default: overlay.name.'),
  listen: z
    .array(text())
    .max(16)
    .default(['udp://0.0.0.0:5060', 'tcp://0.0.0.0:5060'])
    .describe(
      'Where phones connect: udp://, tcp://, tls://, ws://, wss://. Ports left out: 5060, tls 5061, ws 5066, wss 7443.',
    ),
  advertise: text()
    .optional()
    .describe(
      'Address phones use when listen is 0.0.0.0 or [::]. Default: first address of the host; on tls and wss the name in the certificate.',
    ),
  tls: z
    .strictObject({
      certificate: text()
        .optional()
        .describe(
          'PEM file: the certificate that phones see on tls:// and wss://, and those above it. Default: one issued by the authority on this machine.',
        ),
      privateKey: text().optional().describe('PEM file of its private key, not readable by others.'),
      ca: text()
        .optional()
        .describe(
          'PEM file of the CAs to believe: of clients (verifyClients) and of servers that calls go out to. Default for servers: the public CAs.',
        ),
      verifyClients: z
        .enum(['none', 'optional', 'require'])
        .default('none')
        .describe(
          'Certificates of those who connect to tls://. optional: asked for, and what cannot be verified counts for nothing. require: refused without.',
        ),
      routes: z
        .enum(['mirror', 'sips', 'transport'])
        .default('mirror')
        .describe(
          'How routes bring sip phones back over TLS. sips: as RFC 5630 leaves it. transport: transport=tls, which it forbids and most phones want. mirror: that to phones which write it themselves, sips to the others.',
        ),
    })
    .prefault({})
    .describe('TLS and secure WebSockets towards phones. SIGHUP reads the files again.'),
  websocket: z
    .strictObject({
      origins: z
        .array(text())
        .max(64)
        .default([])
        .describe('Web pages that may connect: values of Origin like https://phone.example.com. Empty: any.'),
      cookie: text()
        .optional()
        .describe(
          'Name of the session cookie that holds a ticket TEXT.EXPIRES.MAC; without one the handshake gets 401.',
        ),
      secret: text()
        .optional()
        .describe('Key of the tickets: MAC is base64url of HMAC-SHA256 over TEXT.EXPIRES.'),
    })
    .prefault({})
    .describe('Who may open ws:// and wss://. Digest stays what registers and calls are allowed by.'),
  users: text().optional().describe('Accounts file. Default: users.jsonl in data.dir.'),
  secret: text()
    .optional()
    .describe(
      '64 hex digits that key nonces and flow tokens; the same on all peers of a domain. Default: a file in data.dir.',
    ),
  auth: z
    .enum(['digest', 'none'])
    .default('digest')
    .describe('none lets anybody register anything: for tests only.'),
  digestAlgorithms: z
    .array(z.enum(['MD5', 'SHA-256', 'SHA-512-256']))
    .min(1)
    .default(['MD5'])
    .describe(
      'Challenges offered, in this order. Many phones give up when they meet anything but MD5. The stronger ones are always accepted.',
    ),
  digestQop: z
    .array(z.enum(['auth', 'auth-int']))
    .min(1)
    .default(['auth'])
    .describe('Protection offered: auth-int covers the body as well. auth-int is always accepted.'),
  digestUserHash: z
    .boolean()
    .default(false)
    .describe('Offers hashed user names (RFC 7616 s.3.4.4), so that they do not cross the network in clear.'),
  engine: z
    .enum(['embedded', 'drachtio'])
    .default('embedded')
    .describe('Which SIP stack serves the phones; docs/engines.md says what each can do.'),
  drachtio: z
    .strictObject({
      address: text()
        .default('127.0.0.1:9022')
        .describe('host:port of the control connection of the drachtio server.'),
      secret: text().optional().describe('Its shared secret.'),
      sipAddress: text()
        .default('127.0.0.1:5060')
        .describe('address:port where it takes SIP from this node. It reaches this node at sip.listen.'),
    })
    .prefault({})
    .describe('With engine: drachtio.'),
  hostedUsers: z
    .array(
      z.strictObject({
        aor: text(),
        account: text(),
        delegates: z.array(text()).default([]).describe('AORs that this account may register for others.'),
        credentials: text().optional(),
        mayCallOutside: z
          .boolean()
          .optional()
          .describe('Overrides sip.policy.callOutside, unless that is none.'),
      }),
    )
    .max(100_000)
    .default([])
    .describe('Further AORs and rights of accounts; those of sip.users need no entry for their own AOR.'),
  trusted: z
    .array(
      z.strictObject({
        address: z
          .union([text(), z.array(text()).min(1).max(256)])
          .optional()
          .describe('Address or network, such as 192.0.2.0/24.'),
        identity: z
          .union([text(), z.array(text()).min(1).max(256)])
          .optional()
          .describe('Name that its TLS certificate proves: example.com or sip:example.com.'),
        transports: z
          .array(z.enum(['udp', 'tcp', 'tls', 'ws', 'wss']))
          .min(1)
          .optional()
          .describe('Only by these. Without tcp and tls alone, a forged datagram is trusted too.'),
        mayCallOutside: z
          .boolean()
          .default(false)
          .describe('Whether its requests may leave for other domains.'),
      }),
    )
    .max(256)
    .default([])
    .describe(
      'Proxies and other sources that have made sure who is calling: not challenged (REGISTER excepted), not throttled, believed.',
    ),
  policy: z
    .strictObject({
      callOutside: z
        .enum(['all', 'listed', 'none'])
        .default('all')
        .describe(
          'Whose phones may call other domains: all accounts without mayCallOutside: false, those with mayCallOutside: true, none.',
        ),
      strangers: z
        .enum(['allow', 'refuse'])
        .default('allow')
        .describe('Whether callers of other domains, without credentials, reach hosted users.'),
    })
    .prefault({})
    .describe('Who may do what.'),
  lookup: z
    .enum(['parallel', 'overlayFirst', 'localOnly'])
    .default('parallel')
    .describe('Own bindings and overlay.'),
  queryScope: z.enum(['local', 'overlay']).default('local').describe('What a REGISTER query shows.'),
  publish: z
    .enum(['adapterNode', 'userNode'])
    .default('adapterNode')
    .describe('Which Node-ID an entry points at.'),
  publishForwardAsUri: z.boolean().default(true).describe('Contacts elsewhere become forwarding entries.'),
  publishNodeContact: z.boolean().default(true).describe('Contacts that name overlay nodes become routes.'),
  publishTel: z.boolean().default(false).describe('tel contacts too.'),
  minExpires: seconds(1, 86_400).default(60).describe('Shorter registrations are refused with 423.'),
  defaultExpires: seconds(1, 86_400).default(3600).describe('Seconds of a registration that does not say.'),
  maxExpires: seconds(1, 604_800).default(7200).describe('Longer registrations are shortened to it.'),
  overlayLifetimeMin: seconds(1, 604_800)
    .default(300)
    .describe('Seconds an entry lives in the overlay at least.'),
  overlayLifetimeMax: seconds(1, 604_800)
    .default(7200)
    .describe('Seconds an entry lives in the overlay at most.'),
  flowGrace: seconds(0, 3600).default(30).describe('Seconds a binding outlives its connection.'),
  flowTimer: seconds(0, 3600)
    .default(120)
    .describe(
      'Seconds within which phones on TCP and TLS that know RFC 5626 or RFC 6223 are asked to show that they are alive; 0: never.',
    ),
  relayRegister: z
    .array(text())
    .max(64)
    .default([])
    .describe(
      'Domains of other registrars to which REGISTER is passed on (RFC 5626 edge proxy). Default: none.',
    ),
  maxForks: z.int().min(1).max(100).default(10).describe('Phones that one call may ring.'),
  maxBindings: z.int().min(1).max(100).default(10).describe('Phones that one user may register here.'),
  recursion: z
    .strictObject({
      depth: z.int().min(0).max(20).default(5).describe('From one entry to the next.'),
      fetches: z.int().min(1).max(200).default(20).describe('Lookups for one call in all.'),
    })
    .prefault({})
    .describe('How far forwarding entries are followed.'),
  overlayExit: z
    .boolean()
    .default(false)
    .describe('Peers of the overlay may reach other domains and numbers through here.'),
  dnsAlso: z
    .boolean()
    .default(false)
    .describe('Look by DNS for a user of a hosted domain whom the overlay does not know.'),
  verifyCaller: z
    .enum(['tag', 'reject', 'off'])
    .default('tag')
    .describe(
      'Callers named by other peers. tag: P-Asserted-Identity only when the overlay confirms it. off: as it came.',
    ),
  siblings: z
    .enum(['parallel', 'serial'])
    .default('parallel')
    .describe('Peers that serve the same user: all at once, or one after the other.'),
  registerFromOverlay: z.boolean().default(false).describe('Accept REGISTER that arrives from other peers.'),
  appAttach: z
    .strictObject({
      plainSip: z.enum(['never', 'allowed']).default('never').describe('SIP between peers without TLS.'),
      idle: seconds(1, 86_400).default(600).describe('Seconds until an unused flow is closed.'),
      maxFlows: z.int().min(1).max(100_000).default(2000).describe('Flows at one time.'),
    })
    .prefault({})
    .describe('SIP flows to other peers.'),
  redirect: z
    .strictObject({
      proxies: z
        .array(text())
        .max(64)
        .default([])
        .describe('host:port;transport=… of proxies that phones are sent to for callees behind other peers.'),
      resolveUri: z
        .boolean()
        .default(true)
        .describe('List the targets of a forwarding entry, not the entry.'),
      use305: z.boolean().default(false).describe('305 instead of 302 where a proxy has to be used.'),
    })
    .prefault({})
    .describe('Redirect mode (Peer R).'),
  transitOverlays: z.array(text()).default([]).describe('Other overlays that this node connects to.'),
  telDomain: text()
    .optional()
    .describe('Hosted domain of the AORs that stand for tel numbers. Without it a tel URI gets 416.'),
  telContext: text()
    .optional()
    .describe(
      'phone-context of numbers without +, such as +49 or example.com. Without it they are no AORs of telDomain.',
    ),
  gateway: text()
    .optional()
    .describe(
      'SIP URI or trunk:NAME of the gateway for numbers that nobody in the overlay has and no prefix in sip.routes is for.',
    ),
  routes: z
    .array(
      z.strictObject({
        domain: text().optional().describe('Domain of the callee: example.net, *.example.net or *.'),
        prefix: text()
          .optional()
          .describe('First digits of a number that nobody in the overlay has, such as +49.'),
        to: text().describe('SIP URI of the next hop, or trunk:NAME; with ;lr it goes into Route.'),
      }),
    )
    .max(1_000)
    .default([])
    .describe(
      'Next hops for calls that leave the overlay, before DNS and sip.gateway; the first that fits counts.',
    ),
  trunks: z
    .array(
      z.strictObject({
        name: text().describe('For the log and for routes, which name it as trunk:NAME.'),
        uri: text().describe('SIP URI of the other side, such as sip:sip.provider.example;transport=tcp.'),
        username: text().optional().describe('Account there, for digest challenges.'),
        passwordFile: text().optional().describe('File with its password.'),
        realm: text().optional().describe('Only challenges of this realm are answered. Default: any.'),
        register: z.boolean().default(false).describe('Register the account there, so that calls come here.'),
        registerUser: text().optional().describe('User part of what is registered. Default: username.'),
        expires: seconds(10, 86_400).default(3600).describe('Seconds for which it is registered each time.'),
        address: z
          .union([text(), z.array(text()).min(1).max(256)])
          .optional()
          .describe(
            'Addresses or networks that its calls come from. Default: only where requests to it went.',
          ),
        identity: z
          .union([text(), z.array(text()).min(1).max(256)])
          .optional()
          .describe('Name that its TLS certificate proves when it connects here.'),
        transports: z
          .array(z.enum(['udp', 'tcp', 'tls']))
          .min(1)
          .optional()
          .describe('Its calls come only by these.'),
        numbers: z
          .record(z.string().min(1).max(64), text())
          .default({})
          .describe(
            'AORs by the number that is called. Others are AORs of sip.telDomain or the first domain.',
          ),
        incoming: text().optional().describe('AOR that calls go to when nobody has the number.'),
      }),
    )
    .max(64)
    .default([])
    .describe('Lines into other networks: providers, gateways, telephone systems.'),
  forwardToForeign: z
    .boolean()
    .default(true)
    .describe('Users may have their calls forwarded to other domains.'),
  alwaysProxy: z.boolean().default(false).describe('Always try the proxy of the own domain before DNS.'),
  dns: z
    .strictObject({
      servers: z
        .array(text())
        .max(8)
        .default([])
        .describe('Addresses of name servers, with a port if not 53. Default: those of the system.'),
    })
    .prefault({})
    .describe('How hosts of other domains are found (RFC 3263).'),
  sipToSips: z
    .enum(['upgrade', 'reject'])
    .default('upgrade')
    .describe(
      'Calls to a sip address whose phones have all registered with sips. upgrade: as sip over TLS. reject: 480, Warning 381.',
    ),
  groupTimeout: seconds(1, 180)
    .default(20)
    .describe('Seconds that phones of equal q ring before those of the next lower q do, too.'),
  recurse3xx: z.boolean().default(true).describe('A proxy follows redirects of hosted users itself.'),
  persistBindings: z
    .boolean()
    .default(false)
    .describe(
      'Phones that are reached by an address are reached again after a crash, before they register again.',
    ),
  enrollOnFirstRegister: z
    .boolean()
    .default(false)
    .describe('Certificates when a user first registers, not at start.'),
  registerHome: text().optional().describe('Redirect mode: REGISTER is sent on to this registrar (302).'),
})

const limits = z.strictObject({
  headBytes: z.int().min(1024).max(1_048_576).default(32_768).describe('Bytes of a SIP head.'),
  headers: z.int().min(16).max(4096).default(256).describe('Header fields of a SIP message.'),
  vias: z.int().min(1).max(255).default(70).describe('Via values of a SIP message.'),
  bodyBytes: z.int().min(0).max(16_777_216).default(65_536).describe('Bytes of a SIP body.'),
  transactions: z
    .int()
    .min(16)
    .max(10_000_000)
    .default(200_000)
    .describe('SIP transactions at one time; more requests get 503.'),
  flows: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('TCP, TLS and WebSocket connections of phones.'),
  flowsPerSource: z.int().min(1).max(1_000_000).default(2_000).describe('Of these, from one address.'),
  authFailures: z.int().min(1).max(1_000_000).default(20).describe('From one source in 60 s, before 403.'),
  requestsPerSource: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(200)
    .describe(
      'SIP requests a second from one address that shows no credentials; more get 503, floods no answer.',
    ),
  requestBurstPerSource: z.int().min(1).max(10_000_000).default(1_000).describe('As many of them at once.'),
  strangerRequestsPerSource: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(50)
    .describe('Of these, passed on to users here for callers of other domains; twice as many at once.'),
  subscriptions: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('Subscriptions to registrations (Event: reg) at one time.'),
  links: z.int().min(8).max(100_000).default(4_096).describe('Connections of one RELOAD listener.'),
  linksPerSource: z.int().min(1).max(100_000).default(512).describe('Of these, from one address.'),
  storedResources: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(400_000)
    .describe('Resources this peer keeps for the overlay, copies included.'),
  storedValues: z.int().min(1).max(100_000_000).default(800_000).describe('Values in all of them.'),
  storedBytes: z
    .int()
    .min(65_536)
    .max(1_099_511_627_776)
    .default(536_870_912)
    .describe('Bytes of all values with their signatures.'),
})

export const configSchema = z.strictObject({
  overlay: overlay.prefault({}),
  sip: sip.prefault({}),
  admin: z
    .strictObject({
      listen: text().default('127.0.0.1:8080').describe('host:port of page, API, health and metrics.'),
      token: text().optional().describe('Bearer token; needed when listen is not loopback.'),
    })
    .prefault({}),
  data: z.strictObject({ dir: text().default('./data').describe('Keys, journal, accounts.') }).prefault({}),
  limits: limits.prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe('Least that is written.'),
      format: z
        .enum(['auto', 'json', 'text'])
        .default('auto')
        .describe('auto: text on a terminal, JSON elsewhere.'),
    })
    .prefault({}),
  trace: z
    .strictObject({
      memory: z
        .int()
        .min(0)
        .max(4_096)
        .default(32)
        .describe('Mebibytes for the traces of the latest calls, at most; 0 keeps none.'),
      hep: text().optional().describe('udp://host:port of a HEP collector.'),
    })
    .prefault({}),
})

/** The file with all defaults filled in. */
export type Config = z.output<typeof configSchema>

/** Keys that hold a secret: never printed, and `…_FILE` in the environment names a file that holds it. */
export const SECRET_KEYS: readonly string[] = [
  'admin.token',
  'sip.secret',
  'sip.drachtio.secret',
  'sip.websocket.secret',
  'overlay.password',
]

/** JSON Schema of the file, for editors. */
export function jsonSchema(): object {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'Ringbridge configuration' }
}
