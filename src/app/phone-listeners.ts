/** Where phones reach a node, as its configuration says it: for DNS records and provisioning, without a running node. */
import { parseHostPort, parseSipEndpoint, reachableAddress } from './config/endpoint.ts'
import type { Config } from './config/schema.ts'
import { withTcpTwins } from './config/tcp-twins.ts'

export interface PhoneListener {
  /** Scheme of the listener: udp, tcp, tls, ws, wss. */
  readonly scheme: string
  /** Name or address that phones use. */
  readonly host: string
  readonly port: number
}

/** In the order of the configuration, with what a node opens besides; none for a plain peer. */
export function phoneListeners(config: Config): PhoneListener[] {
  const { sip } = withTcpTwins(config)
  if (sip.roles.length === 0) return []
  if (sip.engine === 'drachtio') {
    // Which transports it offers besides, the drachtio server alone knows.
    const front = parseHostPort(sip.drachtio.sipAddress, 'sip.drachtio.sipAddress')
    const host = sip.advertise ?? front.host
    return ['udp', 'tcp'].map((scheme) => ({ scheme, host, port: front.port }))
  }
  return sip.listen.map((text) => {
    const { scheme, host, port } = parseSipEndpoint(text)
    return { scheme, host: reachableAddress(host, sip.advertise), port }
  })
}
