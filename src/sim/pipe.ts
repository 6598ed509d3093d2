/** One secured stream between two hosts, and the hosts' own side of it. */
import type { Millis } from '../common/time.ts'
import type { ChannelId, ChannelPurpose, PeerInput, TransportAddress } from '../reload/index.ts'
import type { Place } from './conditions.ts'
import type { Disk } from './disk.ts'

/** A place in the network: two listeners, a certificate, a disk. */
export interface Port {
  readonly name: string
  readonly addresses: Readonly<Record<ChannelPurpose, TransportAddress>>
  /** What the far end of a handshake is shown, leaf first, DER. */
  readonly certificates: readonly Uint8Array[]
  readonly input: (input: PeerInput) => void
}

export interface Station {
  readonly port: Port
  readonly place: Place
  readonly pipes: Map<ChannelId, { readonly pipe: Pipe; readonly side: 0 | 1 }>
  readonly disk: Disk
  readonly traffic: Traffic
  nextChannel: number
  alive: boolean
}

/** What arrived at a host, all its lives together. */
export interface Traffic {
  deliveries: number
  bytes: number
}

export interface End {
  readonly station: Station
  readonly channel: ChannelId
}

/** Frames that leave together and arrive together. */
export interface Segment {
  readonly sentAt: Millis
  readonly frames: Uint8Array[]
}

/** A stream. Once not `open`, an end that was not told learns of it when it sends. */
export interface Pipe {
  readonly purpose: ChannelPurpose
  readonly ends: readonly [End, End]
  /** When the last delivery in each direction happens: nothing on the stream overtakes it. */
  readonly lastAt: [Millis, Millis]
  /** The segment that left last in each direction: what is written at the same moment leaves with it. */
  readonly last: [Segment | undefined, Segment | undefined]
  /** What arrived while nothing could pass, in order; TCP will have repeated it when the way is free again. */
  readonly held: [Uint8Array[], Uint8Array[]]
  /** The end of the stream in that direction, too. */
  readonly heldEnd: [boolean, boolean]
  open: boolean
}

/** A packet seen on the way, for checkers and for the capture. */
export interface Delivery {
  readonly at: Millis
  readonly from: string
  readonly to: string
  readonly purpose: ChannelPurpose
  /** Where it came from and went to, as a capture shows it. */
  readonly source: TransportAddress
  readonly target: TransportAddress
  readonly bytes: Uint8Array
}
