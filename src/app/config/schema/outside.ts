/** Keys under `sip`: calls to other domains and to numbers. */
import { z } from 'zod'
import { seconds, text } from './values.ts'

export const outsideKeys = {
  overlayExit: z
    .boolean()
    .default(false)
    .describe('Peers of the overlay may reach other domains and numbers through here.'),
  dnsAlso: z
    .boolean()
    .default(false)
    .describe('Look by DNS for a user of a hosted domain whom the overlay does not know.'),
  forwardToForeign: z
    .boolean()
    .default(true)
    .describe('Users may have their calls forwarded to other domains.'),
  alwaysProxy: z
    .boolean()
    .default(false)
    .describe(
      'Calls to other domains leave by the proxies of the first domain that have a record with overlayExit, and by DNS when none can be reached.',
    ),
  proxyRecord: z
    .boolean()
    .default(false)
    .describe(
      'Store an entry for this proxy at _proxy@DOMAIN, where redirect servers and alwaysProxy look for one. Takes a certificate of that name.',
    ),
  dns: z
    .strictObject({
      servers: z
        .array(text())
        .max(8)
        .default([])
        .describe('Addresses of name servers, with a port if not 53. Default: those of the system.'),
    })
    .prefault({})
    .describe('How hosts of other domains are found (RFC 3263).'),
  telDomain: text()
    .optional()
    .describe('Hosted domain of the AORs that stand for tel numbers. Without it a tel URI gets 416.'),
  telContext: text()
    .optional()
    .describe(
      'phone-context of numbers without +, such as +49 or example.com. Without it they are no AORs of telDomain.',
    ),
  gateway: text()
    .optional()
    .describe(
      'SIP URI or trunk:NAME of the gateway for numbers that nobody in the overlay has and no prefix in sip.routes is for.',
    ),
  routes: z
    .array(
      z.strictObject({
        domain: text().optional().describe('Domain of the callee: example.net, *.example.net or *.'),
        prefix: text()
          .optional()
          .describe('First digits of a number that nobody in the overlay has, such as +49.'),
        to: text().describe('SIP URI of the next hop, or trunk:NAME; with ;lr it goes into Route.'),
      }),
    )
    .max(1_000)
    .default([])
    .describe(
      'Next hops for calls that leave the overlay, before DNS and sip.gateway; the first that fits counts.',
    ),
  trunks: z
    .array(
      z.strictObject({
        name: text().describe('For the log and for routes, which name it as trunk:NAME.'),
        uri: text().describe('SIP URI of the other side, such as sip:sip.provider.example;transport=tcp.'),
        username: text().optional().describe('Account there, for digest challenges.'),
        passwordFile: text().optional().describe('File with its password.'),
        realm: text().optional().describe('Only challenges of this realm are answered. Default: any.'),
        register: z.boolean().default(false).describe('Register the account there, so that calls come here.'),
        registerUser: text().optional().describe('User part of what is registered. Default: username.'),
        expires: seconds(10, 86_400).default(3600).describe('Seconds for which it is registered each time.'),
        address: z
          .union([text(), z.array(text()).min(1).max(256)])
          .optional()
          .describe(
            'Addresses or networks that its calls come from. Default: only where requests to it went.',
          ),
        identity: z
          .union([text(), z.array(text()).min(1).max(256)])
          .optional()
          .describe('Name that its TLS certificate proves when it connects here.'),
        transports: z
          .array(z.enum(['udp', 'tcp', 'tls']))
          .min(1)
          .optional()
          .describe('Its calls come only by these.'),
        numbers: z
          .record(z.string().min(1).max(64), text())
          .default({})
          .describe(
            'AORs by the number that is called. Others are AORs of sip.telDomain or the first domain.',
          ),
        incoming: text().optional().describe('AOR that calls go to when nobody has the number.'),
      }),
    )
    .max(64)
    .default([])
    .describe('Lines into other networks: providers, gateways, telephone systems.'),
}
