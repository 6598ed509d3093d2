/**
 * What the API answers, as schemas: types for the code, the OpenAPI document for people, and what the tests hold real answers
 * against. Node-IDs and Resource-IDs are lower-case hex, times milliseconds since 1970 unless the name says otherwise.
 */
import { z } from 'zod'

const hex = z.string().regex(/^[0-9a-f]*$/)
const nodeId = hex.describe('Node-ID in hex.')
const at = z.number().describe('Milliseconds since 1970.')

export const failureAnswer = z.strictObject({ error: z.string().describe('What is wrong, in words.') })

export const checkAnswer = z.strictObject({
  name: z.string(),
  ok: z.boolean(),
  detail: z.string().optional().describe('What is wrong, in words.'),
})

export const peerAnswer = z.object({
  nodeId,
  overlay: z.string().describe('Name of the overlay instance.'),
  state: z.enum(['starting', 'joining', 'joined', 'isolated', 'leaving', 'left']),
  draining: z.boolean(),
  version: z.string(),
  pid: z.number(),
  role: z.enum(['peer', 'client']),
  roles: z.array(z.string()).describe('SIP roles.'),
  domains: z.array(z.string()),
  auth: z.string(),
  sip: z.array(
    z.looseObject({ transport: z.string(), host: z.string(), port: z.number(), advertisedHost: z.string() }),
  ),
  reload: z.strictObject({ overlay: z.string(), application: z.string() }),
  configurationSequence: z.number(),
  userName: z.string(),
  certificateNotAfter: z.string().describe('ISO 8601.'),
  certificates: z
    .array(
      z.strictObject({
        use: z.enum(['node', 'enrollment_ca', 'sip_tls']),
        name: z.string(),
        notBefore: z.string().describe('ISO 8601.'),
        notAfter: z.string().describe('ISO 8601.'),
      }),
    )
    .describe('Certificates of this node; those of hosted users are counted in userCertificates.'),
  userCertificates: z.strictObject({ ok: z.number(), expiring: z.number(), expired: z.number() }),
  startedAt: z.string().describe('ISO 8601.'),
})

export const ringAnswer = z.strictObject({
  nodeId,
  overlay: z.string().optional(),
  state: z.string(),
  predecessors: z.array(nodeId).describe('Nearest first.'),
  successors: z.array(nodeId).describe('Nearest first.'),
  fingers: z.array(nodeId),
  responsible: z
    .strictObject({ after: nodeId, through: nodeId })
    .nullable()
    .optional()
    .describe('What this peer owns: (after, through].'),
  responsibleShare: z.number().optional().describe('Share of the ring, 0 to 1.'),
  sizeEstimate: z.number().optional(),
  replicaDeficit: z.number().optional(),
  connections: z.array(
    z.strictObject({
      nodeId,
      address: z.string().nullable(),
      peer: z.boolean(),
      ageS: z.number(),
      bytesIn: z.number(),
      bytesOut: z.number(),
      rttMs: z.number().nullable(),
    }),
  ),
})

export const walkAnswer = z.strictObject({
  takenAt: at,
  tookMs: z.number(),
  complete: z.boolean().describe('Every node answered, and their successors close the circle.'),
  faults: z.array(z.string()).describe('What does not fit together, in words.'),
  nodes: z.array(
    z.strictObject({
      nodeId,
      answered: z.boolean(),
      successor: nodeId
        .nullable()
        .describe('Whom it would send a message to that is for the id after its own.'),
      rttMs: z.number().nullable(),
      share: z.number().nullable().describe('Share of the ring that it owns, as it says.'),
      resources: z.number().nullable().describe('Resources that it holds, copies included, as it says.'),
      uptimeS: z.number().nullable(),
    }),
  ),
})

export const bindingsAnswer = z.strictObject({
  bindings: z.array(
    z.looseObject({
      aor: z.string(),
      contact: z.string(),
      kind: z.enum(['device', 'forward', 'node', 'other']),
      expiresS: z.number(),
      userAgent: z.string().optional(),
      transport: z.string(),
      flow: z.enum(['address', 'flow', 'lost']),
    }),
  ),
  total: z.number().describe('All of them, when the list was cut.'),
})

export const locationAnswer = z.strictObject({
  aor: z.string(),
  resourceId: hex,
  responsible: nodeId.describe('The peer that answered for the Resource-ID.'),
  replicas: z
    .array(nodeId)
    .describe('The peers after it, which hold the copies; fewer when they did not answer.'),
  hops: z.number(),
  rttMs: z.number(),
  userExists: z.boolean(),
  entries: z.array(
    z.strictObject({
      key: nodeId.describe('Dictionary key: the Node-ID of the certificate that signed the entry.'),
      target: z
        .string()
        .describe('Node-ID of the node that serves the user, or the AOR or URI that calls go to.'),
      type: z.enum(['route', 'uri']),
      contactPrefs: z.string(),
      lifetimeS: z.number(),
      storageTime: at,
      expiresAt: at,
      signer: z.strictObject({ userName: z.string(), nodeId, notAfter: at }),
    }),
  ),
  rejected: z.number().describe('Entries that are not believed: wrong signature, signer or content.'),
})

export const pingAnswer = z.strictObject({ responder: nodeId, rttMs: z.number() })

export const pathAnswer = z.strictObject({
  aor: z.string(),
  resourceId: hex,
  hops: z.array(z.strictObject({ nodeId, rttMs: z.number() })),
  complete: z.boolean().describe('The last hop is responsible.'),
  fault: z.string(),
})

export const storageAnswer = z.strictObject({
  values: z.number(),
  bytes: z.number(),
  kinds: z.array(
    z.strictObject({
      kind: z.string(),
      kindId: z.number(),
      role: z.string(),
      values: z.number(),
      bytes: z.number(),
    }),
  ),
})

export const userAnswer = z.strictObject({
  username: z.string(),
  aors: z.array(z.string()),
  registered: z.boolean(),
})

export const usersAnswer = z.strictObject({ users: z.array(userAnswer) })

export const callAnswer = z.strictObject({
  callId: z.string(),
  method: z.string(),
  from: z.string(),
  to: z.string(),
  state: z.enum(['trying', 'ringing', 'answered', 'ended', 'cancelled', 'refused', 'ok']),
  status: z.number().describe('Final status of the first request, 0 before.'),
  beganAt: at,
  lastAt: at,
  messages: z.number(),
  nodes: z.array(nodeId).describe('Other nodes that took part.'),
})

export const tracesAnswer = z.strictObject({
  traces: z.array(callAnswer),
  total: z.number().describe('Traces in memory.'),
  bytes: z.number().describe('Memory that they take, roughly.'),
})

const traceEvent = z.strictObject({
  at,
  endAt: at.optional(),
  node: nodeId.describe('Who saw it.'),
  kind: z.enum(['sip', 'lookup', 'store', 'flow']),
  from: z.string().describe('`node HEX`, or transport and address of a phone.'),
  to: z.string(),
  label: z.string(),
  detail: z.string(),
  message: z.string().optional().describe('SIP message; secrets are covered with *.'),
  match: z.string().optional(),
  transaction: z.string().optional().describe('RELOAD transaction id in hex.'),
  path: z.array(nodeId).optional().describe('Nodes that the request passed, as the last one remembers it.'),
  fault: z.string().optional(),
})

export const traceAnswer = z.strictObject({
  callId: z.string(),
  node: nodeId.describe('The node that was asked.'),
  skipped: z.number().describe('Steps left out in the middle of a long call.'),
  parts: z
    .array(
      z.strictObject({
        node: nodeId,
        ok: z.boolean(),
        reason: z.string(),
        clockOffsetMs: z.number().describe('Added to the times of that node.'),
      }),
    )
    .describe('Other nodes that were asked for what they saw.'),
  events: z.array(traceEvent),
  ladder: z.strictObject({
    columns: z.array(
      z.strictObject({ id: z.string(), title: z.string(), subtitle: z.string(), isNode: z.boolean() }),
    ),
    rows: z.array(
      z.strictObject({
        offsetMs: z.number(),
        tookMs: z.number().optional(),
        kind: z.enum(['sip', 'lookup', 'store', 'flow']),
        stops: z.array(z.number()).describe('Columns that the step touches.'),
        label: z.string(),
        detail: z.string(),
        fault: z.string().optional(),
      }),
    ),
  }),
})

export const ratesAnswer = z.strictObject({
  at,
  counters: z
    .record(z.string(), z.number())
    .describe('Since the start of the process: sipIn, sipOut, calls, registers, overlayIn, overlayOut, …'),
  gauges: z.record(z.string(), z.number()),
})

export type PeerView = z.output<typeof peerAnswer>
export type RingView = z.output<typeof ringAnswer>
export type WalkView = z.output<typeof walkAnswer>
export type BindingsView = z.output<typeof bindingsAnswer>
export type LocationView = z.output<typeof locationAnswer>
export type PingView = z.output<typeof pingAnswer>
export type PathView = z.output<typeof pathAnswer>
export type StorageView = z.output<typeof storageAnswer>
/** A hosted user as shown: never a hash. */
export type UserView = z.output<typeof userAnswer>
export type CallView = z.output<typeof callAnswer>
export type TracesView = z.output<typeof tracesAnswer>
export type TraceView = z.output<typeof traceAnswer>
export type RatesView = z.output<typeof ratesAnswer>
/** One readiness check; `detail` says what is wrong in words. */
export type Check = z.output<typeof checkAnswer>
