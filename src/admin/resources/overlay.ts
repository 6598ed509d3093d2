/** The node, its ring, and what the overlay says about nodes and AORs. */
import { z } from 'zod'
import {
  failureAnswer,
  locationAnswer,
  pathAnswer,
  peerAnswer,
  pingAnswer,
  ratesAnswer,
  ringAnswer,
  storageAnswer,
  walkAnswer,
} from '../answers.ts'
import type { AdminNode } from '../port.ts'
import { ok, replyTo, route, type Route } from '../route.ts'

const AOR_LENGTH_MAX = 512

/** user@domain; a scheme in front is allowed. No AOR holds a blank: it was a + that nobody escaped. */
export const aor = z
  .string()
  .min(1)
  .max(AOR_LENGTH_MAX)
  .overwrite((text) => text.replaceAll(' ', '+'))
  .describe('user@domain')

const noAnswer = { description: 'The overlay did not answer in time.', schema: failureAnswer }
const notYet = { description: 'The node is not that far.', schema: failureAnswer }

export function overlayRoutes(node: AdminNode): Route[] {
  const tag = 'Overlay'
  return [
    route({
      url: '/api/v1/peer',
      tag,
      summary: 'This node: Node-ID, overlay, state, addresses, certificates.',
      answers: { 200: { description: 'The node.', schema: peerAnswer } },
      handle: () => ok(node.peer()),
    }),
    route({
      url: '/api/v1/ring',
      tag,
      summary: 'The ring as this node sees it: its routing tables and links.',
      answers: { 200: { description: 'Neighbors nearest first.', schema: ringAnswer } },
      handle: () => ok(node.ring()),
    }),
    route({
      url: '/api/v1/ring/walk',
      tag,
      summary: 'The whole ring, found by asking node after node for its successor; up to 256 nodes.',
      answers: { 200: { description: 'What was found.', schema: walkAnswer }, 503: notYet, 504: noAnswer },
      handle: async () => replyTo(await node.walk()),
    }),
    route({
      url: '/api/v1/storage',
      tag,
      summary: 'What this peer stores for the overlay, by kind and role.',
      answers: { 200: { description: 'Numbers, no content.', schema: storageAnswer } },
      handle: () => ok(node.storage()),
    }),
    route({
      url: '/api/v1/locate',
      tag,
      summary: 'What the overlay holds for an AOR: the responsible peer, copies, verified entries.',
      query: z.object({ aor }),
      answers: {
        200: { description: 'Found, if need be with no entry.', schema: locationAnswer },
        504: noAnswer,
      },
      handle: async ({ query }) => replyTo(await node.locate(query.aor)),
    }),
    route({
      url: '/api/v1/ping',
      tag,
      summary: 'Pings a node over the overlay.',
      query: z.object({
        node: z
          .string()
          .regex(/^[0-9a-fA-F]{32,40}$/)
          .describe('Node-ID in hex.'),
      }),
      answers: { 200: { description: 'It lives.', schema: pingAnswer }, 504: noAnswer },
      handle: async ({ query }) => replyTo(await node.ping(query.node)),
    }),
    route({
      url: '/api/v1/path',
      tag,
      summary: 'The peers that a request about an AOR passes from here.',
      query: z.object({ aor }),
      answers: {
        200: { description: 'The way, as far as it was found.', schema: pathAnswer },
        504: noAnswer,
      },
      handle: async ({ query }) => replyTo(await node.path(query.aor)),
    }),
    route({
      url: '/api/v1/rates',
      tag,
      summary: 'A few counters and gauges for live views; /metrics has all of them.',
      answers: { 200: { description: 'Now.', schema: ratesAnswer } },
      handle: () => ok(node.rates()),
    }),
  ]
}
