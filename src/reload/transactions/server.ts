/** Rules for whoever answers a request: pure functions (RFC 6940 s.6.2.2, s.6.3.2, s.6.3.3). */
import {
  ERROR_CODE,
  FRAGMENT_NONE,
  type ForwardingHeader,
  type MessageExtension,
  type NewHeader,
  type NodeId,
} from '../codec/index.ts'
import { answerOptions, returnList } from '../forwarding/via-list.ts'

/** RFC 6940 s.6.3.3.1: what is a request, and what answers it, is a matter of the codes; whoever answers needs both. */
export { answerCodeOf, isRequestCode as isRequest } from '../codec/index.ts'

/** Forwarding header of an answer; the encoder adds the length. */
export function answerHeader(
  request: Pick<ForwardingHeader, 'overlay' | 'transactionId' | 'viaList' | 'options'>,
  previousHop: NodeId | undefined,
  own: { readonly configurationSequence: number; readonly initialTtl: number },
): NewHeader {
  return {
    overlay: request.overlay,
    configurationSequence: own.configurationSequence,
    // An answer starts afresh: how far the request came says nothing about it.
    ttl: own.initialTtl,
    fragment: FRAGMENT_NONE,
    transactionId: request.transactionId,
    maxResponseLength: 0,
    viaList: [],
    destinationList: returnList(previousHop, request.viaList),
    options: answerOptions(request.options),
  }
}

/** RFC 6940 s.6.3.3: the first critical extension that is not understood; answer Error_Unknown_Extension then. */
export function unknownCriticalExtension(
  extensions: readonly MessageExtension[],
  understood: ReadonlySet<number> = NONE,
): MessageExtension | undefined {
  return extensions.find((extension) => extension.critical && !understood.has(extension.type))
}

const NONE: ReadonlySet<number> = new Set()

/**
 * The error to send instead of an answer that exceeds the requester's limit, or undefined when it fits. `answerBytes`
 * is the whole encoded answer: what is measured is not said, and that is what the requester has to take.
 * RFC 6940 s.6.3.2 orders Incompatible_with_Overlay; s.6.3.3.1 defines Response_Too_Large for it. The former is a MUST.
 */
export function responseLimitError(maxResponseLength: number, answerBytes: number): number | undefined {
  const exceeds = maxResponseLength !== 0 && answerBytes > maxResponseLength
  return exceeds ? ERROR_CODE.incompatibleWithOverlay : undefined
}
