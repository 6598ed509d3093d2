import { fail, ok, type Result } from '../common/errors.ts'
import { isWildcard, isZero, key, nodeIdFromHex, type NodeId } from '../reload/codec/index.ts'

/** One line of the ledger: who got which Node-ID for which key. Hex in lower case. */
export interface NodeIdRecord {
  readonly userName: string
  /** SHA-256 of the DER SubjectPublicKeyInfo. */
  readonly keySha256: string
  readonly nodeId: string
  /** 2, 3, ...: a further Node-ID of the same certificate. Absent means the first. */
  readonly index?: number
}

export interface Assignment {
  readonly nodeId: NodeId
  readonly record: NodeIdRecord
  /** Set by whoever has written the record to disk; no certificate leaves before. */
  durable: boolean
}

export interface AssignmentRequest {
  readonly userName: string
  readonly keySha256: string
  /** Node-IDs that one user may hold: one for each device key (RFC 6940 s.13.6.2). */
  readonly perUserMax: number
  /** Which Node-ID of the certificate, from 1; absent means the first. */
  readonly index?: number
  /** Random bytes of a new Node-ID. */
  readonly draw: () => NodeId
  /** A Node-ID to confirm instead of drawing one; only one that nobody else has. */
  readonly wanted?: NodeId
}

/**
 * Maps (user name, key) to Node-ID. The same key of the same user keeps its Node-ID, so that a renewed certificate
 * changes nothing in the overlay (RFC 6940 s.11.3); a further key gets a further Node-ID, because two live holders of
 * one Node-ID would break routing; and no Node-ID is ever given to two users.
 */
export class NodeIdLedger {
  private readonly assignments = new Map<string, Assignment>()
  private readonly owners = new Map<string, string>()
  private readonly counts = new Map<string, number>()

  get size(): number {
    return this.assignments.size
  }

  /** Takes in what was written before. False when the record contradicts an earlier one or cannot be read. */
  restore(record: NodeIdRecord): boolean {
    const nodeId = nodeIdFromHex(record.nodeId)
    if (nodeId === undefined) return false
    const known = this.assignments.get(entryKey(record))
    if (known !== undefined) return known.record.nodeId === record.nodeId
    if (this.owners.has(record.nodeId)) return false
    this.enter({ nodeId, record, durable: true })
    return true
  }

  /** The Node-ID of this user and key, drawn when there is none yet. */
  assign(request: AssignmentRequest): Result<Assignment, string> {
    const { userName, keySha256, wanted } = request
    const which = { userName, keySha256, ...(request.index === undefined ? {} : { index: request.index }) }
    const known = this.assignments.get(entryKey(which))
    if (known !== undefined) {
      if (wanted !== undefined && key(wanted) !== known.record.nodeId)
        return fail('this key has another Node-ID')
      return ok(known)
    }
    if ((this.counts.get(userName) ?? 0) >= request.perUserMax)
      return fail('user has all the Node-IDs it may have')
    const nodeId = wanted ?? this.fresh(request.draw)
    if (isZero(nodeId) || isWildcard(nodeId) || this.owners.has(key(nodeId)))
      return fail('Node-ID is not available')
    const assignment = { nodeId, record: { ...which, nodeId: key(nodeId) }, durable: false }
    this.enter(assignment)
    return ok(assignment)
  }

  /** Whether a certificate for this key with `count` Node-IDs is within what the user may have. */
  hasRoom(userName: string, keySha256: string, count: number, perUserMax: number): boolean {
    let missing = 0
    for (let index = 1; index <= count; index++) {
      if (!this.assignments.has(entryKey({ userName, keySha256, index }))) missing++
    }
    return missing === 0 || this.nodeIdCount(userName) + missing <= perUserMax
  }

  /** User that a Node-ID was given to. */
  ownerOf(nodeId: NodeId): string | undefined {
    return this.owners.get(key(nodeId))
  }

  /** Node-IDs given to one user. */
  nodeIdCount(userName: string): number {
    return this.counts.get(userName) ?? 0
  }

  private enter(assignment: Assignment): void {
    const { userName, nodeId } = assignment.record
    this.assignments.set(entryKey(assignment.record), assignment)
    this.owners.set(nodeId, userName)
    this.counts.set(userName, (this.counts.get(userName) ?? 0) + 1)
  }

  private fresh(draw: () => NodeId): NodeId {
    let nodeId = draw()
    // A second draw is already beyond belief with 128 random bits; a source that repeats itself must not loop for ever.
    for (let tries = 0; tries < 8 && (this.owners.has(key(nodeId)) || isZero(nodeId)); tries++)
      nodeId = draw()
    return nodeId
  }
}

function entryKey(of: {
  readonly userName: string
  readonly keySha256: string
  readonly index?: number
}): string {
  return `${of.index ?? 1} ${of.keySha256} ${of.userName}`
}
