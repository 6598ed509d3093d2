/** Keys under `sip`: how a called user is found, and how the call gets there. */
import { z } from 'zod'
import { seconds, text } from './values.ts'

export const callKeys = {
  lookup: z
    .enum(['parallel', 'overlayFirst', 'localOnly'])
    .default('parallel')
    .describe('Own bindings and overlay.'),
  maxForks: z.int().min(1).max(100).default(10).describe('Phones that one call may ring.'),
  groupTimeout: seconds(1, 180)
    .default(20)
    .describe('Seconds that phones of equal q ring before those of the next lower q do, too.'),
  recursion: z
    .strictObject({
      depth: z.int().min(0).max(20).default(5).describe('From one entry to the next.'),
      fetches: z.int().min(1).max(200).default(20).describe('Lookups for one call in all.'),
    })
    .prefault({})
    .describe('How far forwarding entries are followed.'),
  recurse3xx: z.boolean().default(true).describe('A proxy follows redirects of hosted users itself.'),
  siblings: z
    .enum(['parallel', 'serial'])
    .default('parallel')
    .describe(
      'Peers that serve the same user. parallel: all phones at once, each by one peer. serial: one peer after the other.',
    ),
  sessionTimer: z
    .strictObject({
      expires: z
        .union([z.literal(0), seconds(90, 86_400)])
        .default(0)
        .describe(
          'Seconds after which calls are refreshed or over, for calls that say nothing or more. 0: nothing is asked for.',
        ),
      minimum: seconds(90, 86_400).default(90).describe('Shorter intervals are refused with 422, or raised.'),
    })
    .prefault({})
    .describe('Session timers (RFC 4028) that the proxy asks for, so that calls end whose phones are gone.'),
  moved: z
    .record(text(), text())
    .default({})
    .describe(
      'Users who have moved for good: the AOR and the SIP URI where they are now. Callers get 301 at the nodes that have the entry.',
    ),
  sipToSips: z
    .enum(['upgrade', 'reject'])
    .default('upgrade')
    .describe(
      'Calls to a sip address whose phones have all registered with sips. upgrade: as sip over TLS. reject: 480, Warning 381.',
    ),
  verifyCaller: z
    .enum(['tag', 'reject', 'off'])
    .default('tag')
    .describe(
      'Callers named by other peers. tag: P-Asserted-Identity only when the overlay confirms it. off: as it came.',
    ),
  appAttach: z
    .strictObject({
      plainSip: z.enum(['never', 'allowed']).default('never').describe('SIP between peers without TLS.'),
      idle: seconds(1, 86_400).default(600).describe('Seconds until an unused flow is closed.'),
      maxFlows: z.int().min(1).max(100_000).default(2000).describe('Flows at one time.'),
    })
    .prefault({})
    .describe('SIP flows to other peers.'),
  redirect: z
    .strictObject({
      proxies: z
        .array(text())
        .max(64)
        .default([])
        .describe('host:port;transport=… of proxies that phones are sent to for callees behind other peers.'),
      resolveUri: z
        .boolean()
        .default(true)
        .describe('List the targets of a forwarding entry, not the entry.'),
      use305: z.boolean().default(false).describe('305 instead of 302 where a proxy has to be used.'),
    })
    .prefault({})
    .describe('Redirect mode (Peer R).'),
  transitOverlays: z.array(text()).default([]).describe('Other overlays that this node connects to.'),
}
