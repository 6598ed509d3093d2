/** Keys under `sip`: where phones connect, and with which SIP stack. */
import { z } from 'zod'
import { text } from './values.ts'

export const phoneKeys = {
  roles: z
    .array(z.enum(['registrar', 'proxy', 'redirect']))
    .max(3)
    .default(['registrar', 'proxy'])
    .describe('Empty: a plain peer without SIP.'),
  domains: z
    .array(text())
    .max(64)
    .default([])
    .describe('Hosted domains; the first is the realm. Default: overlay.name.'),
  listen: z
    .array(text())
    .max(16)
    .default(['udp://0.0.0.0:5060', 'tcp://0.0.0.0:5060'])
    .describe(
      'Where phones connect: udp://, tcp://, tls://, ws://, wss://. Ports left out: 5060, tls 5061, ws 5066, wss 7443. A udp:// alone gets its tcp:// (RFC 3261 s.18).',
    ),
  advertise: text()
    .optional()
    .describe(
      'Address phones use when listen is 0.0.0.0 or [::]. Default: first address of the host; on tls and wss the name in the certificate.',
    ),
  tls: z
    .strictObject({
      certificate: text()
        .optional()
        .describe(
          'PEM file: the certificate that phones see on tls:// and wss://, and those above it. Default: one issued by the authority on this machine.',
        ),
      privateKey: text().optional().describe('PEM file of its private key, not readable by others.'),
      ca: text()
        .optional()
        .describe(
          'PEM file of the CAs to believe: of clients (verifyClients) and of servers that calls go out to. Default for servers: the public CAs.',
        ),
      verifyClients: z
        .enum(['none', 'optional', 'require'])
        .default('none')
        .describe(
          'Certificates of those who connect to tls://. optional: asked for, and what cannot be verified counts for nothing. require: refused without.',
        ),
      routes: z
        .enum(['mirror', 'sips', 'transport'])
        .default('mirror')
        .describe(
          'How routes bring sip phones back over TLS. sips: as RFC 5630 leaves it. transport: transport=tls, which it forbids and most phones want. mirror: that to phones which write it themselves, sips to the others.',
        ),
    })
    .prefault({})
    .describe('TLS and secure WebSockets towards phones. SIGHUP reads the files again.'),
  websocket: z
    .strictObject({
      origins: z
        .array(text())
        .max(64)
        .default([])
        .describe('Web pages that may connect: values of Origin like https://phone.example.com. Empty: any.'),
      cookie: text()
        .optional()
        .describe(
          'Name of the session cookie that holds a ticket TEXT.EXPIRES.MAC; without one the handshake gets 401.',
        ),
      secret: text()
        .optional()
        .describe('Key of the tickets: MAC is base64url of HMAC-SHA256 over TEXT.EXPIRES.'),
    })
    .prefault({})
    .describe('Who may open ws:// and wss://. Digest stays what registers and calls are allowed by.'),
  engine: z
    .enum(['embedded', 'drachtio'])
    .default('embedded')
    .describe('Which SIP stack serves the phones; docs/engines.md says what each can do.'),
  drachtio: z
    .strictObject({
      address: text()
        .default('127.0.0.1:9022')
        .describe('host:port of the control connection of the drachtio server.'),
      secret: text().optional().describe('Its shared secret.'),
      sipAddress: text()
        .default('127.0.0.1:5060')
        .describe('address:port where it takes SIP from this node. It reaches this node at sip.listen.'),
    })
    .prefault({})
    .describe('With engine: drachtio.'),
}
