import type { Deadline } from '../../common/deadlines.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import type { ChannelId, ConnectionPurpose, ConnectionState } from './connection.ts'
import type { Link } from './link.ts'

/** A channel whose handshake begins. */
export interface NewChannel {
  readonly channel: ChannelId
  readonly purpose: ConnectionPurpose
  readonly role: 'client' | 'server'
  readonly expected?: NodeId
}

/** A connection as the table keeps it. */
export interface Row {
  channel: ChannelId
  purpose: ConnectionPurpose
  role: 'client' | 'server'
  openedAt: Millis
  expected: NodeId | undefined
  state: ConnectionState
  nodeId: NodeId | undefined
  link: Link | undefined
  /** At or before the time at which this row has to be looked at. */
  deadline: Deadline<Row> | undefined
  /** Set on a link that lost against another: when to try to close it. */
  surplusAt: Millis
  /** A newer link has taken its place: it is closed whatever the others are worth. */
  displaced: boolean
}

export function handshaking(now: Millis, { channel, purpose, role, expected }: NewChannel): Row {
  return {
    channel,
    purpose,
    role,
    openedAt: now,
    expected,
    state: 'handshaking',
    nodeId: undefined,
    link: undefined,
    deadline: undefined,
    surplusAt: NEVER,
    displaced: false,
  }
}
