/**
 * The check of a request's configuration_sequence at its destination (RFC 6940 s.6.3.2.1). Answers and messages in
 * transit are not checked.
 */
import type { Millis } from '../../common/time.ts'
import { CONFIGURATION_SEQUENCE_ANY, ERROR_CODE, MESSAGE_CODE, key, type NodeId } from '../codec/index.ts'
import { PUSH_REPEAT_MS, PUSHES_MAX } from './constants.ts'

export type ConfigurationVerdict =
  | { readonly kind: 'current' }
  /** Answer with the error and process nothing; `pushDocument`: send our document to the requester as well. */
  | { readonly kind: 'mismatch'; readonly errorCode: number; readonly pushDocument: boolean }

/** `compare` is the serial order of configuration sequences, modulo 65535 (config/sequence.ts): negative when a < b. */
export function checkConfigurationSequence(
  request: { readonly messageCode: number; readonly configurationSequence: number },
  own: number,
  compare: (a: number, b: number) => number,
): ConfigurationVerdict {
  const theirs = request.configurationSequence
  if (theirs === CONFIGURATION_SEQUENCE_ANY) {
    // Only ConfigUpdate may carry it; elsewhere it names no document, so the sender gets ours.
    return request.messageCode === MESSAGE_CODE.configUpdateReq ? CURRENT : TOO_OLD
  }
  const order = compare(theirs, own)
  if (order === 0) return CURRENT
  // Config_Too_New: the requester knows more than we do, and it is its turn to push (s.6.5.4).
  return order < 0 ? TOO_OLD : TOO_NEW
}

const CURRENT: ConfigurationVerdict = { kind: 'current' }
const TOO_OLD: ConfigurationVerdict = {
  kind: 'mismatch',
  errorCode: ERROR_CODE.configTooOld,
  pushDocument: true,
}
const TOO_NEW: ConfigurationVerdict = {
  kind: 'mismatch',
  errorCode: ERROR_CODE.configTooNew,
  pushDocument: false,
}

/**
 * Keeps two nodes that misunderstand each other from sending ConfigUpdates back and forth: one push a node and sequence,
 * repeated after a minute at the earliest.
 */
export class ConfigurationPushes {
  /** When a node was sent which sequence; oldest first. */
  private readonly pushed = new Map<string, { readonly sequence: number; readonly at: Millis }>()

  /** Whether our document may be sent to that node now; if so, that is noted. */
  admit(now: Millis, nodeId: NodeId, sequence: number): boolean {
    const nodeKey = key(nodeId)
    const last = this.pushed.get(nodeKey)
    if (last !== undefined && last.sequence === sequence && now < last.at + PUSH_REPEAT_MS) return false
    this.pushed.delete(nodeKey)
    this.pushed.set(nodeKey, { sequence, at: now })
    if (this.pushed.size > PUSHES_MAX) {
      for (const oldest of this.pushed.keys()) {
        this.pushed.delete(oldest)
        break
      }
    }
    return true
  }
}
