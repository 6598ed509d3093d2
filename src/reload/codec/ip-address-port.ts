import type { Reader, Writer } from '../../common/bytes.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './ip-text.ts'
import type { Shape } from './shape.ts'
import { hexText } from './tree-printer.ts'
import type { IpAddressPort } from './types.ts'

const IPV4 = 1
const IPV6 = 2

/** RFC 6940 s.6.3.1.1: an address type we do not know is stepped over by its length and kept. */
export const ipAddressPortShape: Shape<IpAddressPort> = {
  read: readIpAddressPort,
  write: writeIpAddressPort,
  print: (tree, label, value) => tree.line(label, addressText(value)),
}

/** The wire value of a textual address, or undefined when it is neither an IPv4 nor an IPv6 literal. */
export function ipAddressPort(address: string, port: number): IpAddressPort | undefined {
  if (parseIpv4(address) !== undefined) return { kind: 'ipv4', address, port }
  const ipv6 = parseIpv6(address)
  return ipv6 === undefined ? undefined : { kind: 'ipv6', address: formatIpv6(ipv6), port }
}

function readIpAddressPort(reader: Reader): IpAddressPort {
  const type = reader.u8()
  const data = reader.sub(reader.u8())
  if (type === 0) throw data.error('an address of type 0')
  if (type !== IPV4 && type !== IPV6) return { kind: 'unknown', type, data: data.bytes(data.remaining) }
  const kind = type === IPV4 ? 'ipv4' : 'ipv6'
  const address = type === IPV4 ? formatIpv4(data.bytes(4)) : formatIpv6(data.bytes(16))
  const port = data.u16()
  data.end()
  return { kind, address, port }
}

function writeIpAddressPort(writer: Writer, value: IpAddressPort): void {
  if (value.kind === 'unknown') {
    writer.u8(value.type)
    writer.prefixed(1, value.data)
    return
  }
  const address = value.kind === 'ipv4' ? parseIpv4(value.address) : parseIpv6(value.address)
  if (address === undefined) throw new RangeError(`not an ${value.kind} literal`)
  writer.u8(value.kind === 'ipv4' ? IPV4 : IPV6)
  writer.u8(address.length + 2)
  writer.bytes(address)
  writer.u16(value.port)
}

function addressText(value: IpAddressPort): string {
  switch (value.kind) {
    case 'ipv4':
      return `${value.address}:${value.port}`
    case 'ipv6':
      return `[${value.address}]:${value.port}`
    case 'unknown':
      return `unknown address type ${value.type} ${hexText(value.data)}`
  }
}
