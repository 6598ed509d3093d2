/** The sockets of a node: phones, other peers. What arrives before the machine is there waits for it; see `Gate`. */
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { NodeInput } from '../adapter/index.ts'
import { TLS_LIMITS, TlsLinks } from '../reload/io/tls-links.ts'
import type { SipListener } from '../sip/index.ts'
import { STREAM_LIMITS } from '../sip/io/stream-flows.ts'
import { StreamShells } from '../sip/io/streams.ts'
import { UdpShell } from '../sip/io/udp.ts'
import { WebSocketGate } from '../sip/io/web-socket-gate.ts'
import { ConfigError } from './config/fault.ts'
import type { Config } from './config/schema.ts'
import { makeFolder } from './files.ts'
import { bindOverlay, bindSip, type AdvertisedOverlay } from './listeners.ts'
import type { Foundation } from './node-foundation.ts'
import { flowLimits, linkLimits } from './settings.ts'
import { phoneTls, type PhoneTls } from './sip-certificate.ts'
import type { Startup } from './startup.ts'
import { tlsIdentity } from './trust/node-identity.ts'

export interface Sockets {
  readonly udp: UdpShell
  readonly streams: StreamShells
  readonly links: TlsLinks
  /** The certificate that phones see. */
  readonly tls: PhoneTls
  readonly sip: readonly SipListener[]
  readonly advertised: AdvertisedOverlay
}

/** Everything listens when this resolves. Throws `ConfigError`. */
export async function openSockets(
  config: Config,
  { overlay, credential }: Foundation,
  feed: (input: NodeInput) => void,
  startup: Startup,
): Promise<Sockets> {
  const udp = new UdpShell((input) => feed({ kind: 'sip', input }))
  const tls = await phoneTls(config, overlay.authority)
  const streams = new StreamShells((input) => feed({ kind: 'sip', input }), {
    limits: { ...STREAM_LIMITS, ...flowLimits(config) },
    tls: tls.settings,
    gate: webSocketGate(config),
  })
  const keyLogFile = config.overlay.keylog
  const links = new TlsLinks((input) => feed({ kind: 'peer', input }), tlsIdentity(credential), {
    limits: { ...TLS_LIMITS, ...linkLimits(config) },
    ...(keyLogFile === undefined ? {} : { keyLogFile: keyLog(keyLogFile) }),
  })
  startup.onStop(() => udp.close())
  startup.onStop(() => streams.close())
  startup.onStop(() => links.close())
  const sip = await bindSip(config, udp, streams, tls.certificate)
  const advertised = await bindOverlay(config, links)
  return { udp, streams, links, tls, sip, advertised }
}

function webSocketGate({ sip }: Config): WebSocketGate {
  const { origins, cookie, secret } = sip.websocket
  const ticket = cookie === undefined || secret === undefined ? undefined : { cookie, secret }
  return new WebSocketGate({ origins, ticket })
}

/** The file for the key log; its folder is made, so that a test only has to name one. */
function keyLog(file: string): string {
  try {
    makeFolder(dirname(file))
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw new ConfigError(`${file}: cannot be written; see overlay.keylog`, { cause: error })
  }
  return file
}
