/**
 * What waits for far ends that do not read, of all connections together: a limit for each alone would let one address with very many of them
 * fill the memory.
 */
import { UnfinishedMessages, type Unfinished } from '../transport/index.ts'

/** Bytes that may wait in any case: far more than phones that read ever leave, and 64 stuck ones. Judgement. */
const BACKLOG_BYTES_MIN = 64 * 1024 * 1024
/** For each connection that may be there: an answer to everybody at once has nobody cut off. Less on one is not taken down. */
const BYTES_PER_FLOW = 3 * 1024

/** Bytes that may wait for all connections together, by the limit in force. */
export function backlogBytesMax(flowsMax: number): number {
  return Math.max(BACKLOG_BYTES_MIN, BYTES_PER_FLOW * flowsMax)
}

/** A connection that bytes wait for. */
export interface Waited extends Unfinished {
  /** Bytes that wait now. */
  waiting(): number
}

export class Backlog<T extends Waited> {
  private readonly held: UnfinishedMessages<T>
  private readonly bytesMax: () => number

  /** `bytesMax` is asked at every use: limits may change. */
  constructor(bytesMax: () => number) {
    this.bytesMax = bytesMax
    this.held = new UnfinishedMessages(bytesMax)
  }

  /** Something was written to a connection: those that have to go because too much waits for all, nearly always none. */
  written(flow: T): readonly T[] {
    this.look(flow)
    if (this.held.bytes <= this.bytesMax()) return NONE
    // Who has read meanwhile has told nobody.
    for (const each of this.held.all()) this.look(each)
    return this.held.excess()
  }

  /** It is gone. */
  forget(flow: T): void {
    this.held.note(flow, 0)
  }

  /** Most of what is written in one turn waits for no more than its end, and leaves no trace here. */
  private look(flow: T): void {
    const bytes = flow.waiting()
    this.held.note(flow, bytes <= BYTES_PER_FLOW ? 0 : bytes)
  }
}

const NONE: readonly never[] = []
