/**
 * Where the neighbors of this peer were reached, kept across restarts (RFC 6940 s.11.4): a peer that comes back finds
 * its ring by them even when no bootstrap node is configured or alive.
 */
import { DecodeError, fromUtf8, Reader, utf8, type Writer } from '../../common/bytes.ts'
import type { NodeId } from '../codec/index.ts'
import { seal, unseal } from '../storage/sealed-record.ts'
import { FORMER_NEIGHBORS_MAX } from './constants.ts'
import type { TransportAddress } from './contract.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'

/** The one record; its prefix is that of nobody else. */
export const FORMER_NEIGHBORS_KEY = 'peer/former-neighbors'

export class FormerNeighbors {
  private readonly parts: PeerParts
  private readonly links: Links
  private known: readonly TransportAddress[] = []

  constructor(parts: PeerParts, links: Links) {
    this.parts = parts
    this.links = links
  }

  /** Latest first, at most ten, without this peer's own. */
  get addresses(): readonly TransportAddress[] {
    return this.known
  }

  /** Takes over what the journal holds; a record that cannot be read is as good as none. */
  restore(records: Iterable<readonly [string, Uint8Array]>): void {
    for (const [name, record] of records) {
      if (name === FORMER_NEIGHBORS_KEY) this.known = this.latest(read(record) ?? [])
    }
  }

  /** These are directly connected neighbors now, nearest first, or were until a moment ago. */
  note(neighbors: readonly NodeId[]): void {
    const reached: TransportAddress[] = []
    for (const nodeId of neighbors) {
      const address = this.links.listeners.of(nodeId)
      if (address !== undefined) reached.push(address)
    }
    const latest = this.latest([...reached, ...this.known])
    const sameAsBefore =
      latest.length === this.known.length && latest.every((address) => includes(this.known, address))
    // The order alone is not worth a write.
    if (sameAsBefore) return
    this.known = latest
    const record = seal(FORMER_NEIGHBORS_KEY, (writer) => write(writer, latest))
    this.parts.persist([{ kind: 'put', key: FORMER_NEIGHBORS_KEY, value: record }])
  }

  private latest(addresses: readonly TransportAddress[]): TransportAddress[] {
    const own = this.parts.init.advertised.overlay
    const latest: TransportAddress[] = []
    for (const address of addresses) {
      if (latest.length === FORMER_NEIGHBORS_MAX) break
      if (!sameAddress(address, own) && !includes(latest, address)) latest.push(address)
    }
    return latest
  }
}

export function sameAddress(a: TransportAddress, b: TransportAddress): boolean {
  return a.address === b.address && a.port === b.port
}

function includes(addresses: readonly TransportAddress[], wanted: TransportAddress): boolean {
  return addresses.some((address) => sameAddress(address, wanted))
}

function write(writer: Writer, addresses: readonly TransportAddress[]): void {
  writer.u8(addresses.length)
  for (const { address, port } of addresses) {
    writer.prefixed(1, utf8(address))
    writer.u16(port)
  }
}

function read(record: Uint8Array): TransportAddress[] | undefined {
  const body = unseal(FORMER_NEIGHBORS_KEY, record)
  if (body === undefined) return undefined
  try {
    const reader = new Reader(body)
    const addresses: TransportAddress[] = []
    for (let left = reader.u8(); left > 0; left--) {
      addresses.push({ address: fromUtf8(reader.bytes(reader.u8())), port: reader.u16() })
    }
    return addresses
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
