/** Numbers of the peer in one place, each with its origin. */

/** Judgement, contract s.5.2: a Store is answered when the replicas have it, or after this; a slow replica catches up. */
export const REPLICA_ANSWER_WAIT_MS = 2_500
/**
 * DEVIATION RFC 6940 s.10.7.1: new replicas wait 2 s after a successor failed, not 30 s (docs/adr/0003-replication.md).
 * The RFC suggests 30 s before new replicas are built after a failure, so that an Update may name a better
 * neighbor. A second crash within that time would lose registrations, and phones refresh only after minutes; two
 * seconds are enough for the Updates of a reactive ring.
 */
export const REPLICATION_HOLD_DOWN_MS = 2_000
/** Judgement: Updates of a join or leave come in bunches; one look at the table serves them all. */
export const REPLICATION_SETTLE_MS = 100
/** Judgement: what is no longer ours is kept so long, in case the peers between here and there go again. */
export const REPLICA_DROP_DELAY_MS = 30_000
/**
 * Judgement: how long a replica waits for a sign that the owner of today has the resource, before it offers its own copy.
 * After the death of an owner its successor has noticed by then and sent copies itself.
 */
export const REPLICA_ASSURANCE_MS = 5_000
/** Judgement: a replica that refused, because its tables lag behind, is asked again. */
export const REPLICA_RETRY_MS = 1_000
/** Judgement: one search for an unknown owner at a time; the peer it finds may own more of what was refused. */
export const OWNER_SEARCH_SPACING_MS = 500
/** Judgement: replica Stores on their way at once. */
export const REPLICA_STORES_MAX = 64
/** Judgement: bytes of header, signature and certificate around the values of a replica Store. */
export const REPLICA_OVERHEAD_BYTES = 1_500
/**
 * Header, lengths, identity and a signature of the longest key that is accepted (RSA, 8192 bits): no message of ours to one
 * destination, without options, has more beside its body and certificates.
 */
export const OWN_MESSAGE_OVERHEAD_BYTES = 2_048
/** Judgement: a hand-over that takes longer goes on after the admission. */
export const HAND_OVER_MAX_MS = 5_000

/** Judgement: from AttachAns to the finished handshake of a channel that the far end opens. */
export const ATTACH_CHANNEL_WAIT_MS = 10_000
/**
 * Judgement: how long either end of an Attach believes that a channel is on its way. A handshake takes a few round trips; after
 * this the far end of an answered Attach may have died, and a node whose own Attach gave way asks once more.
 */
export const ATTACH_BELIEVED_MS = 1_500
/** Judgement: channels being opened for others' Attaches and AppAttaches; more is an attack. */
export const ANSWERED_ATTACHES_MAX = 256
/**
 * Judgement: of these for one node, which could else take all of them with addresses where nobody answers, and nobody else would be called. An
 * honest one has asked once more before the first channel was given up, or for both applications.
 */
export const ANSWERED_ATTACHES_PER_NODE_MAX = 8
/** Judgement: AppAttaches waiting for one node behind the one under way. */
export const APP_ATTACH_QUEUE_MAX = 64
/** Judgement: what an appAttach command takes at most when it names no time. */
export const APP_ATTACH_TIMEOUT_MS = 15_000

/** Judgement: first wait after a round through all bootstrap nodes, doubled up to the maximum. */
export const BOOTSTRAP_RETRY_MS = 500
export const BOOTSTRAP_RETRY_MAX_MS = 15_000
/** Judgement: from one bootstrap address to the next while nobody has answered; a host that is down costs no more. */
export const BOOTSTRAP_STAGGER_MS = 250
/**
 * Judgement: how long a founder that knows former neighbors looks for their ring before it founds one anew. A neighbor
 * that lives answers within a round trip; a whole cluster that starts at once should not wait much longer than that.
 */
export const FOUNDER_LOOK_MS = 5_000
/**
 * Judgement: what each bootstrap node waits longer than the one before it, when there is no ring to come into: longer than its greatest
 * pause between two looks (`BOOTSTRAP_RETRY_MAX_MS`), so that it has found the ring of the one before it if that one lives.
 */
export const FOUNDING_TURN_MS = 20_000
/** Judgement: how often a peer in the ring tries one former neighbor to which it has no link. */
export const REUNION_INTERVAL_MS = 15_000
/** Judgement: peers of one ring, of whatever size, that ask a bootstrap node in each such interval. */
export const REUNION_VISITS = 3
/** RFC 6940 s.11.4: about ten former neighbors are remembered. */
export const FORMER_NEIGHBORS_MAX = 10

/** Judgement: a link that was heard of so recently needs no Ping. */
export const LINK_FRESH_MS = 2_500
/** The same for links that are not to neighbors: one of the two ends is enough to keep an eye on them. */
export const OTHER_LINK_FRESH_MS = 10_000
/** Judgement: how long a leaving peer waits for its data to be taken over, and for the answers to its Leave. */
export const LEAVE_HAND_OVER_MS = 5_000
export const LEAVE_ANSWER_WAIT_MS = 1_000

/** Judgement: elements whose last storage_time is remembered, so that two stores in one millisecond do not collide. */
export const STORAGE_TIMES_MAX = 10_000
/** Judgement: fetched elements whose newest value is remembered, so that an older one is noticed. */
export const NEWEST_VALUES_MAX = 4_096

/**
 * Judgement: how long a lookup or Store waits before it goes out once more, when a peer on its way had nobody to pass it to. The first time the Leave
 * that explains it has come on the same link; farther away tables need some round trips.
 */
export const ASTRAY_WAITS_MS: readonly number[] = [0, 200, 600]

/** Judgement: how long a request waits for the other side to take our Configuration Document, or for theirs to come. */
export const MISMATCH_WAIT_MS = 1_000
/** Judgement: how often one request is sent anew because the documents differ. */
export const MISMATCHES_MAX = 4

/**
 * Judgement: what one link may bring, and what one signer may ask of this node. Five times what a site with 500 calls a
 * second needs; a flood of verifications at this rate still leaves half a processor.
 */
export const LINK_MESSAGES_ALLOWED = { perSecond: 5_000, burst: 10_000 } as const
export const LINK_BYTES_ALLOWED = { perSecond: 20_000_000, burst: 40_000_000 } as const
export const SIGNER_REQUESTS_ALLOWED = { perSecond: 1_000, burst: 3_000 } as const
