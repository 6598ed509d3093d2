/**
 * What is recorded of a call as HEP packets, all under its Call-ID: messages of phones between their addresses, messages of
 * other nodes and what the overlay did between Node-IDs. Messages come with their secrets covered, as they are recorded.
 * Does no I/O.
 */
import { fromHex, utf8 } from '../common/bytes.ts'
import { eventOf, NODE_PREFIX } from './events.ts'
import type { HepPacket } from './hep.ts'
import type { Recorded, RecordedMessage, TraceHop } from './recorded.ts'

/** A socket of this node for phones. */
export interface HepListener {
  readonly id: number
  readonly transport: string
  readonly host: string
  readonly port: number
}

export interface HepNode {
  /** This node, in hex. */
  readonly self: string
  readonly captureId: number
  readonly listeners: readonly HepListener[]
  /** Bytes of an IP address; undefined for names. */
  addressBytes(host: string): Uint8Array | undefined
}

const NOWHERE = new Uint8Array(4)
/** Bytes of an IPv6 address, and of the Node-IDs that stand in its place. */
const LONG = 16

export function hepOf(entry: Recorded, node: HepNode): HepPacket {
  return entry.kind === 'message' ? messagePacket(entry, node) : notePacket(entry, node)
}

function messagePacket(entry: RecordedMessage, node: HepNode): HepPacket {
  const { hop, direction } = entry
  const isPeer = hop.transport === 'peer'
  const near = isPeer ? nodeEnd(node.self) : listenerEnd(hop, node)
  const far = isPeer ? nodeEnd(hop.host) : { address: node.addressBytes(hop.host) ?? NOWHERE, port: hop.port }
  const [from, to] = direction === 'in' ? [far, near] : [near, far]
  return {
    ...between(from, to),
    protocol: hop.transport === 'udp' ? 'udp' : 'tcp',
    at: entry.at,
    type: 'sip',
    captureId: node.captureId,
    correlation: entry.callId,
    payload: entry.bytes,
  }
}

/** A line of JSON that says what `ringbridge trace` says. */
function notePacket(entry: Exclude<Recorded, RecordedMessage>, node: HepNode): HepPacket {
  const { from, to, at, endAt, kind, label, detail, transaction, fault } = eventOf(entry, node.self)
  const end = (name: string): End =>
    nodeEnd(name.startsWith(NODE_PREFIX) ? name.slice(NODE_PREFIX.length) : node.self)
  const tookMs = endAt === undefined ? 0 : Math.round((endAt - at) * 1000) / 1000
  const line = {
    callId: entry.callId,
    event: kind,
    label,
    detail,
    node: node.self,
    tookMs,
    transaction,
    fault,
  }
  return {
    ...between(end(from), end(to)),
    protocol: 'tcp',
    at,
    type: 'log',
    captureId: node.captureId,
    correlation: entry.callId,
    payload: utf8(JSON.stringify(line)),
  }
}

interface End {
  readonly address: Uint8Array
  readonly port: number
}

/**
 * Flows between nodes have other addresses at each end; a Node-ID has the length of an IPv6 address and is the same seen from
 * both. Longer ones are cut (RFC 6940 s.10.1 allows 20 bytes).
 */
function nodeEnd(hex: string): End {
  const address = new Uint8Array(LONG)
  address.set((fromHex(hex) ?? new Uint8Array()).subarray(0, LONG))
  return { address, port: 0 }
}

function listenerEnd({ listener, transport }: TraceHop, { listeners, addressBytes }: HepNode): End {
  const of = listeners.filter((each) => each.transport === transport)
  const own = of.find(({ id }) => id === listener) ?? of[0] ?? listeners[0]
  return { address: addressBytes(own?.host ?? '') ?? NOWHERE, port: own?.port ?? 0 }
}

/** HEP has one family for both ends: beside IPv6 an IPv4 address is written in the mapped form (RFC 4291 s.2.5.5.2). */
function between(from: End, to: End): Pick<HepPacket, 'from' | 'to' | 'fromPort' | 'toPort'> {
  const same = from.address.length === to.address.length
  const fitted = ({ address }: End): Uint8Array => (same ? address : mapped(address))
  return { from: fitted(from), to: fitted(to), fromPort: from.port, toPort: to.port }
}

function mapped(address: Uint8Array): Uint8Array {
  if (address.length === LONG) return address
  const long = new Uint8Array(LONG)
  long.fill(0xff, 10, 12)
  long.set(address, 12)
  return long
}
