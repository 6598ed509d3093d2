/** RFC 3261 s.18: a request too large for a datagram comes by TCP, to the same place. */
import { parseSipEndpoint } from './endpoint.ts'
import type { Config } from './schema.ts'

/** Beside every UDP listener of `sip.listen` one on TCP, where the file names none. Throws `ConfigError`. */
export function withTcpTwins(config: Config): Config {
  const { sip } = config
  const places = sip.listen.map(parseSipEndpoint)
  const taken = new Set(
    places.flatMap(({ scheme, host, port }) => (scheme === 'tcp' ? [`${host} ${port}`] : [])),
  )
  const listen = sip.listen.flatMap((text, index) => {
    const place = places[index]
    if (place?.scheme !== 'udp' || taken.has(`${place.host} ${place.port}`)) return [text]
    return [text, `tcp${text.slice('udp'.length)}`]
  })
  return { ...config, sip: { ...sip, listen } }
}
