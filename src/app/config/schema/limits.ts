/** Keys under `limits`: what this node takes on, against those who send too much. */
import { z } from 'zod'
import { DEFAULT_PARSE_LIMITS } from '../../../sip/index.ts'

/** S-PA-01: the defaults are those of the parser. */
const { headBytesMax, headersMax, viaMax, bodyBytesMax } = DEFAULT_PARSE_LIMITS

export const limits = z.strictObject({
  headBytes: z.int().min(1024).max(1_048_576).default(headBytesMax).describe('Bytes of a SIP head.'),
  headers: z.int().min(16).max(4096).default(headersMax).describe('Header fields of a SIP message.'),
  vias: z.int().min(1).max(255).default(viaMax).describe('Via values of a SIP message.'),
  bodyBytes: z.int().min(0).max(16_777_216).default(bodyBytesMax).describe('Bytes of a SIP body.'),
  transactions: z
    .int()
    .min(16)
    .max(10_000_000)
    .default(200_000)
    .describe(
      'SIP transactions under way at one time; more requests get 503, REGISTERs from four fifths on. As many answers to UDP are kept for repetitions, in up to 1 KiB for each on the average. So much is there for answers that wait for an ACK, too; beyond it the oldest are forgotten. And for requests without an answer; beyond it new ones of strangers, and those of other peers that are longer than 8 KiB, get 503, and beyond twice as much such long ones of anybody. From a half on no other peer begins calls that has more than half of what is under way.',
    ),
  registrations: z
    .int()
    .min(8)
    .max(100_000)
    .default(1_000)
    .describe(
      'First registrations that wait for the overlay at one time, at most: fewer where it serves less than half of it a second. More get 503 and are told when to come back.',
    ),
  flows: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('TCP, TLS and WebSocket connections of phones.'),
  flowsPerSource: z.int().min(1).max(1_000_000).default(2_000).describe('Of these, from one address.'),
  authFailures: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20)
    .describe('For one user name from one source in 60 s, before 403.'),
  requestsPerSource: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(200)
    .describe(
      'SIP requests a second from one address that shows no credentials; more get 503, floods no answer.',
    ),
  requestBurstPerSource: z.int().min(1).max(10_000_000).default(1_000).describe('As many of them at once.'),
  strangerRequestsPerSource: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(50)
    .describe('Of these, passed on to users here for callers of other domains; twice as many at once.'),
  subscriptions: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('Subscriptions to registrations (Event: reg) at one time.'),
  links: z.int().min(8).max(100_000).default(4_096).describe('Connections of one RELOAD listener.'),
  linksPerSource: z.int().min(1).max(100_000).default(512).describe('Of these, from one address.'),
  storedResources: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(400_000)
    .describe('Resources this peer keeps for the overlay, copies included.'),
  storedValues: z.int().min(1).max(100_000_000).default(800_000).describe('Values in all of them.'),
  storedBytes: z
    .int()
    .min(65_536)
    .max(1_099_511_627_776)
    .default(536_870_912)
    .describe('Bytes of all values with their signatures.'),
})
