import { utf8 } from '../../../../src/common/bytes.ts'
import {
  asNodeId,
  asResourceId,
  encodeContents,
  encodeMessage,
  FRAGMENT_NONE,
  MESSAGE_CODE,
  type Destination,
  type NewHeader,
  type NodeId,
} from '../../../../src/reload/codec/index.ts'
import type { ForwardingContext } from '../../../../src/reload/forwarding/forward.ts'
import type { NextHop } from '../../../../src/reload/forwarding/next-hop.ts'

export const OVERLAY = 0x9aa32b8d

/** A Node-ID of sixteen equal bytes, named by a letter as in RFC 6940 s.6.1.2. */
export function nodeNamed(letter: string): NodeId {
  return asNodeId(new Uint8Array(16).fill(letter.charCodeAt(0)))
}

export function node(letter: string): Destination {
  return { kind: 'node', nodeId: nodeNamed(letter) }
}

export function resource(letter: string): Destination {
  return { kind: 'resource', resourceId: asResourceId(nodeNamed(letter)) }
}

export const WILDCARD: Destination = { kind: 'node', nodeId: asNodeId(new Uint8Array(16).fill(0xff)) }

/** Letters of the nodes in a list. */
export function letters(list: readonly Destination[]): string {
  return list
    .map((entry) => (entry.kind === 'node' ? String.fromCharCode(entry.nodeId[0] ?? 0) : '?'))
    .join('')
}

/** An encoded message; a Ping request to node E unless told otherwise. */
export function message(
  header: Partial<NewHeader> = {},
  code: number = MESSAGE_CODE.pingReq,
  body = 'body',
): Uint8Array {
  const contents = encodeContents({ messageCode: code, body: utf8(body), extensions: [] })
  return encodeMessage(
    {
      overlay: OVERLAY,
      configurationSequence: 1,
      ttl: 50,
      fragment: FRAGMENT_NONE,
      transactionId: 0x0123456789abcdefn,
      maxResponseLength: 0,
      viaList: [],
      destinationList: [node('E')],
      options: [],
      ...header,
    },
    contents,
    {
      certificates: [],
      signature: {
        hashAlgorithm: 4,
        signatureAlgorithm: 3,
        identity: { kind: 'none' },
        value: utf8('signature'),
      },
    },
  )
}

/** Routes in which everything unknown goes to node N. */
export function routes(over: Partial<NextHop> = {}): NextHop {
  return {
    responsible: () => false,
    nextHop: () => nodeNamed('N'),
    connected: () => false,
    linked: () => false,
    ...over,
  }
}

export function contextOf(letter: string, hops: NextHop = routes()): ForwardingContext {
  return { own: nodeNamed(letter), overlay: OVERLAY, initialTtl: 100, maxMessageBytes: 5_000, routes: hops }
}
