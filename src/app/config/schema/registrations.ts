/** Keys under `sip`: what phones register, and what of it the overlay hears. */
import { z } from 'zod'
import { seconds, text } from './values.ts'

export const registrationKeys = {
  queryScope: z.enum(['local', 'overlay']).default('local').describe('What a REGISTER query shows.'),
  publish: z
    .enum(['adapterNode', 'userNode'])
    .default('adapterNode')
    .describe('Which Node-ID an entry points at.'),
  publishForwardAsUri: z.boolean().default(true).describe('Contacts elsewhere become forwarding entries.'),
  publishNodeContact: z.boolean().default(true).describe('Contacts that name overlay nodes become routes.'),
  publishTel: z.boolean().default(false).describe('tel contacts too.'),
  minExpires: seconds(1, 86_400).default(60).describe('Shorter registrations are refused with 423.'),
  defaultExpires: seconds(1, 86_400).default(3600).describe('Seconds of a registration that does not say.'),
  maxExpires: seconds(1, 604_800).default(7200).describe('Longer registrations are shortened to it.'),
  overlayLifetimeMin: seconds(1, 604_800)
    .default(300)
    .describe('Seconds an entry lives in the overlay at least.'),
  overlayLifetimeMax: seconds(1, 604_800)
    .default(7200)
    .describe('Seconds an entry lives in the overlay at most.'),
  flowGrace: seconds(0, 3600).default(30).describe('Seconds a binding outlives its connection.'),
  flowTimer: seconds(0, 3600)
    .default(120)
    .describe(
      'Seconds within which phones on TCP and TLS that know RFC 5626 or RFC 6223 are asked to show that they are alive; 0: never.',
    ),
  maxBindings: z.int().min(1).max(100).default(10).describe('Phones that one user may register here.'),
  persistBindings: z
    .boolean()
    .default(false)
    .describe(
      'Phones that are reached by an address are reached again after a crash, before they register again.',
    ),
  enrollOnFirstRegister: z
    .boolean()
    .default(false)
    .describe('Certificates when a user first registers, not at start.'),
  relayRegister: z
    .array(text())
    .max(64)
    .default([])
    .describe(
      'Domains of other registrars to which REGISTER is passed on (RFC 5626 edge proxy). Default: none.',
    ),
  registerHome: text().optional().describe('Redirect mode: REGISTER is sent on to this registrar (302).'),
  registerFromOverlay: z.boolean().default(false).describe('Accept REGISTER that arrives from other peers.'),
}
