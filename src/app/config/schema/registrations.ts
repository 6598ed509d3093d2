/** Keys under `sip`: what phones register, and what of it the overlay hears. */
import { z } from 'zod'
import { seconds, text } from './values.ts'

export const registrationKeys = {
  queryScope: z
    .enum(['local', 'overlay'])
    .default('local')
    .describe(
      'What a REGISTER without Contact shows. overlay: registrations at other peers as well, marked +x.remote.',
    ),
  publish: z
    .enum(['adapterNode', 'userNode'])
    .default('adapterNode')
    .describe('Which Node-ID an entry points at.'),
  publishForwardAsUri: z.boolean().default(true).describe('Contacts elsewhere become forwarding entries.'),
  publishNodeContact: z.boolean().default(true).describe('Contacts that name overlay nodes become routes.'),
  publishTel: z
    .boolean()
    .default(false)
    .describe('A tel Contact becomes a forwarding entry when it is the only one.'),
  minExpires: seconds(1, 86_400).default(60).describe('Shorter registrations are refused with 423.'),
  defaultExpires: seconds(1, 86_400)
    .default(3600)
    .describe(
      'Seconds of a registration that does not say; the default moves into minExpires to maxExpires.',
    ),
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
  natKeepAlive: seconds(0, 3600)
    .default(25)
    .describe(
      'Seconds between two OPTIONS to each phone on UDP behind a NAT, so that calls get through to it; 0: never. One that answered before and misses three of them counts as gone.',
    ),
  pathWithoutSupported: z
    .enum(['accept', 'refuse'])
    .default('accept')
    .describe(
      'REGISTER with a Path of a proxy in between, from phones that do not say that they know Path (RFC 3327). refuse: 420.',
    ),
  pushContacts: z
    .enum(['accept', 'refuse'])
    .default('accept')
    .describe(
      'Phones that want to be woken by a push service (RFC 8599), which is not asked here. refuse: 555.',
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
  registerHome: text()
    .optional()
    .describe('Redirect mode: SIP URI of the registrar that REGISTER is sent on to (302).'),
  registerFromOverlay: z
    .boolean()
    .default(false)
    .describe('Accounts of this node may also register through the overlay, from other peers.'),
}
