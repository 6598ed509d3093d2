/** Numbers of the ring in one place, each with its origin. */

/** Judgement: several changes within this time go out as one Update (RFC 6940 s.10.7.3, Trap 82: Update storms). */
export const UPDATE_SPACING_MS = 250
/** Judgement: how often one peer is told that its tables lack us. */
export const REMINDER_SPACING_MS = 1_000
/** Judgement: with the link's failure timeout of 1 to 3 s a silent neighbor is out of the table within 5 to 10 s. */
export const NEIGHBOR_CHECK_MS = 3_000
/** Judgement: a silent finger costs a retransmission, not data. */
export const OTHER_CHECK_MS = 15_000
/** Judgement: a node that could not be attached to is not tried again before, unless a fresh link shows that it lives. */
export const ATTACH_RETRY_MS = 10_000
/** Judgement: a lost neighbor that lives has noticed the loss too by then; one attempt to get it back (RFC 6940 s.10.7.1). */
export const REATTACH_DELAY_MS = 500
/** Judgement: Attaches under way at once, so that a hostile Update cannot make this peer knock on every door. */
export const ATTACHES_MAX = 24
/** RFC 6940 s.10.7.4.1 wants Updates randomly offset. Share of the interval. */
export const JITTER = 0.25

/** Judgement: the Update that an Attach with send_update asks for follows the handshake at once. */
export const JOIN_UPDATE_WAIT_MS = 5_000
/** Judgement: a dead neighbor named by a stale table must not hold up the join. */
export const JOIN_NEIGHBORS_WAIT_MS = 6_000
/** Judgement: hand-over of the range ends after 5 s at the latest (peer/constants.ts); then the Update follows. */
export const JOIN_ADMISSION_WAIT_MS = 10_000
