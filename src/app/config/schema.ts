/**
 * The configuration file: every key with its type, default and meaning (contract s.3, adapter-mapping s.11). This one
 * description checks the file, gives the JSON Schema and the list of keys that the environment may set.
 */
import { z } from 'zod'
import { accountKeys } from './schema/accounts.ts'
import { callKeys } from './schema/calls.ts'
import { limits } from './schema/limits.ts'
import { outsideKeys } from './schema/outside.ts'
import { overlay } from './schema/overlay.ts'
import { phoneKeys } from './schema/phones.ts'
import { registrationKeys } from './schema/registrations.ts'
import { text } from './schema/values.ts'

const sip = z.strictObject({ ...phoneKeys, ...accountKeys, ...registrationKeys, ...callKeys, ...outsideKeys })

export const configSchema = z.strictObject({
  overlay: overlay.prefault({}),
  sip: sip.prefault({}),
  admin: z
    .strictObject({
      listen: text().default('127.0.0.1:8080').describe('host:port of page, API, health and metrics.'),
      token: text().optional().describe('Bearer token; needed when listen is not loopback.'),
    })
    .prefault({}),
  data: z
    .strictObject({
      dir: text()
        .default('./data')
        .describe('Keys, journal, accounts. A relative folder is one of where the command is run.'),
    })
    .prefault({}),
  limits: limits.prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe('Least that is written.'),
      format: z
        .enum(['auto', 'json', 'text'])
        .default('auto')
        .describe('auto: text on a terminal, JSON elsewhere.'),
    })
    .prefault({}),
  trace: z
    .strictObject({
      memory: z
        .int()
        .min(0)
        .max(4_096)
        .default(32)
        .describe('Mebibytes for the traces of the latest calls, at most; 0 keeps none.'),
      share: z
        .boolean()
        .default(true)
        .describe(
          'Tells a node that took part in a call, when its operator asks, what was seen of that call here; secrets are covered.',
        ),
      hep: text()
        .optional()
        .describe(
          'udp://host:port of a HEP collector (Homer); gets calls and what the overlay did for them. Port 9060 when left out.',
        ),
      hepCaptureId: z
        .int()
        .min(0)
        .max(4_294_967_295)
        .default(1)
        .describe('What this node is called there: capture agent id.'),
    })
    .prefault({}),
})

/** The file with all defaults filled in. */
export type Config = z.output<typeof configSchema>

/** Keys that hold a secret: never printed, and `…_FILE` in the environment names a file that holds it. */
export const SECRET_KEYS: readonly string[] = [
  'admin.token',
  'sip.secret',
  'sip.drachtio.secret',
  'sip.websocket.secret',
  'overlay.password',
]

/** JSON Schema of the file, for editors. */
export function jsonSchema(): object {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'Ringbridge configuration' }
}
