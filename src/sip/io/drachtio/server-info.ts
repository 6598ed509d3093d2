/** What a drachtio server says about itself when it has accepted the secret. */

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** The addresses in a list like `udp/192.0.2.1:5060,tcp/[2001:db8::1]:5060`; what does not look like one is left out. */
export function serverAddresses(text: string | undefined): ServerAddress[] {
  const addresses: ServerAddress[] = []
  for (const entry of (text ?? '').split(',').slice(0, ADDRESSES_MAX)) {
    const match = /^(?:[a-z]{2,4}\/)?(?:\[([0-9a-f:]{2,45})\]|([0-9a-z.-]{1,253})):(\d{1,5})$/i.exec(
      entry.trim(),
    )
    const host = match?.[1] ?? match?.[2]
    const port = Number(match?.[3])
    if (host !== undefined && port > 0 && port < 65_536) addresses.push({ host: host.toLowerCase(), port })
  }
  return addresses
}

/** A server has a handful of contacts. */
const ADDRESSES_MAX = 64

/** Servers answer `ping` from v0.8.2 on. drachtio-srf sends it to those only. */
export function answersPing(version: string | null | undefined): boolean {
  const match = /^v(\d{1,4})\.(\d{1,4})\.(\d{1,4})/.exec(version ?? '')
  if (match === null) return false
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map(Number)
  return major > 0 || minor > 8 || (minor === 8 && patch >= 2)
}
