/**
 * The links to one node: which of them carries what is sent, which ones have lost against another and may be closed, and
 * whether one more is taken.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import { CONNECTIONS_PER_NODE_MAX, LINK_QUIET_MS, SURPLUS_LINGER_MS } from './constants.ts'
import type { ConnectedNode, Connection } from './connection.ts'
import type { Row } from './connection-row.ts'
import type { Link } from './link.ts'
import { compareLinks } from './link-choice.ts'

/** A row of a node: its link exists, so its state is one of a link. */
type RankedRow = Row & { state: 'up' | 'suspect' | 'dead' }

export class NodeLinks {
  readonly nodeId: NodeId
  updateReceived = false
  private readonly own: NodeId
  /** Best first; never empty while the table has this node. */
  private readonly ranked: Row[]

  constructor(own: NodeId, nodeId: NodeId, first: Row) {
    this.own = own
    this.nodeId = nodeId
    this.ranked = [first]
  }

  get rows(): readonly Row[] {
    return this.ranked
  }

  /** The one that carries what is sent. */
  get best(): Row {
    return this.ranked[0] as Row
  }

  get connected(): boolean {
    return this.best.state === 'up'
  }

  /** As it is now. */
  get asConnectedNode(): ConnectedNode {
    return { nodeId: this.nodeId, connection: this.best, updateReceived: this.updateReceived }
  }

  /** The caller ranks them after that. */
  add(row: Row): void {
    this.ranked.push(row)
  }

  /** True when none is left. */
  remove(row: Row): boolean {
    const index = this.ranked.indexOf(row)
    if (index < 0) return false
    this.ranked.splice(index, 1)
    if (this.ranked.length === 0) return true
    this.best.surplusAt = NEVER
    return false
  }

  /** Puts the links in order after one changed, and marks those that lost. False: there was nothing to compare. */
  rank(now: Millis): boolean {
    if (this.ranked.length < 2) return false
    this.ranked.sort((a, b) => compareLinks(this.own, this.nodeId, a as RankedRow, b as RankedRow))
    this.ranked.forEach((row, index) => {
      if (index === 0 && !row.displaced) row.surplusAt = NEVER
      else if (row.surplusAt === NEVER) row.surplusAt = now + SURPLUS_LINGER_MS
    })
    return true
  }

  /** There are as many links as are taken. */
  get full(): boolean {
    return this.ranked.filter(({ displaced }) => !displaced).length >= CONNECTIONS_PER_NODE_MAX
  }

  /** The least of those that are silent gives way to a new one: its far end may have restarted. Undefined: all are heard. */
  displaceSilent(now: Millis): Row | undefined {
    const silent = this.ranked.findLast((row) => !row.displaced && isQuiet(now, row))
    if (silent === undefined) return undefined
    silent.displaced = true
    silent.surplusAt = now
    return silent
  }

  /** Those of which nothing was heard lately, but for that one. */
  silentBeside(now: Millis, { channel }: Connection): Connection[] {
    return this.ranked.filter((row) => row.channel !== channel && row.state === 'up' && isQuiet(now, row))
  }

  /**
   * Whether the better link has been heard of since this one was opened. Before that it may be the remains of a far
   * end that restarted, and this one the only link that works.
   */
  isSpare(row: Row): boolean {
    const { best } = this
    return best !== row && best.state === 'up' && (best.link as Link).heardAtMs > row.openedAt
  }
}

function isQuiet(now: Millis, { link }: Row): boolean {
  return (link as Link).heardAtMs <= now - LINK_QUIET_MS
}
