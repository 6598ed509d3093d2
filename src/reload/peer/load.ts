import type { Assembly } from './assembly.ts'

/** Rows of the tables that fill and empty with work: what comes back to its baseline when nothing happens. */
export interface PeerLoad {
  /** Own requests without an answer. */
  readonly requests: number
  /** Answers kept for repeated requests. */
  readonly answers: number
  readonly connections: number
  /** Attaches and AppAttaches under way, own and others'. */
  readonly attaches: number
  readonly resources: number
}

export function loadOf({ requests, answers, links, attaches, appAttaches, storage }: Assembly): PeerLoad {
  return {
    requests: requests.size,
    answers: answers.kept,
    connections: links.table.size,
    attaches: attaches.size + appAttaches.size,
    resources: storage.resourceCount,
  }
}
