/** Keys under `sip`: who may register and call. */
import { z } from 'zod'
import { text } from './values.ts'

export const accountKeys = {
  users: text().optional().describe('Accounts file. Default: users.jsonl in data.dir.'),
  secret: text()
    .optional()
    .describe(
      '64 hex digits that key nonces and flow tokens; the same on all peers of a domain. Default: a file in data.dir.',
    ),
  auth: z
    .enum(['digest', 'none'])
    .default('digest')
    .describe('none asks nobody for a password, so that anybody registers as any account: for tests only.'),
  digestAlgorithms: z
    .array(z.enum(['MD5', 'SHA-256', 'SHA-512-256']))
    .min(1)
    .default(['MD5'])
    .describe(
      'Challenges offered, in this order. Many phones give up when they meet anything but MD5. The stronger ones are always accepted.',
    ),
  digestQop: z
    .array(z.enum(['auth', 'auth-int']))
    .min(1)
    .default(['auth'])
    .describe('Protection offered: auth-int covers the body as well. auth-int is always accepted.'),
  digestUserHash: z
    .boolean()
    .default(false)
    .describe('Offers hashed user names (RFC 7616 s.3.4.4), so that they do not cross the network in clear.'),
  hostedUsers: z
    .array(
      z.strictObject({
        aor: text(),
        account: text(),
        delegates: z.array(text()).default([]).describe('AORs that this account may register for others.'),
        credentials: text()
          .optional()
          .describe(
            'PEM file with the certificate of this user for the overlay, CA certificates below the root, and its private key. Default: one from where overlay.credentials says. Read again at SIGHUP.',
          ),
        mayCallOutside: z
          .boolean()
          .optional()
          .describe('Overrides sip.policy.callOutside, unless that is none.'),
      }),
    )
    .max(100_000)
    .default([])
    .describe('Further AORs and rights of accounts; those of sip.users need no entry for their own AOR.'),
  trusted: z
    .array(
      z.strictObject({
        address: z
          .union([text(), z.array(text()).min(1).max(256)])
          .optional()
          .describe('Address or network, such as 192.0.2.0/24.'),
        identity: z
          .union([text(), z.array(text()).min(1).max(256)])
          .optional()
          .describe('Name that its TLS certificate proves: example.com or sip:example.com.'),
        transports: z
          .array(z.enum(['udp', 'tcp', 'tls', 'ws', 'wss']))
          .min(1)
          .optional()
          .describe('Only by these. Without tcp and tls alone, a forged datagram is trusted too.'),
        mayCallOutside: z
          .boolean()
          .default(false)
          .describe('Whether its requests may leave for other domains.'),
      }),
    )
    .max(256)
    .default([])
    .describe(
      'Proxies and other sources that have made sure who is calling: not challenged (REGISTER excepted), not throttled, believed.',
    ),
  policy: z
    .strictObject({
      callOutside: z
        .enum(['all', 'listed', 'none'])
        .default('all')
        .describe(
          'Whose phones may call other domains: all accounts without mayCallOutside: false, those with mayCallOutside: true, none.',
        ),
      strangers: z
        .enum(['allow', 'refuse'])
        .default('allow')
        .describe('Whether callers of other domains, without credentials, reach hosted users.'),
    })
    .prefault({})
    .describe('Who may do what.'),
}
