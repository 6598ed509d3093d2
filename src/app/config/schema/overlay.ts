/** Keys under `overlay`: this node in the RELOAD overlay. */
import { z } from 'zod'
import { seconds, text } from './values.ts'

export const overlay = z.strictObject({
  name: text()
    .optional()
    .describe('Name of the overlay instance; a founder calls its overlay so. Default dht.example.com.'),
  configuration: text()
    .optional()
    .describe(
      'Signed Configuration Document: a file, the https URL of a configuration server, or "discover" to find that by DNS.',
    ),
  ca: text()
    .optional()
    .describe(
      'PEM file of the CAs to believe on https. Default: the public CAs; the root-certs of a document count besides.',
    ),
  role: z
    .enum(['peer', 'client'])
    .default('peer')
    .describe('peer routes and stores for others, client does not.'),
  listen: z
    .array(text())
    .min(1)
    .max(1)
    .default(['tls://0.0.0.0:6084'])
    .describe('Where other peers connect.'),
  applicationListen: text()
    .optional()
    .describe('Where SIP flows of other peers connect. Default: the port after overlay.listen.'),
  advertise: text()
    .optional()
    .describe('Address other peers use when listen is 0.0.0.0. Default: first IPv4 address of the host.'),
  bootstrap: z
    .array(text())
    .max(64)
    .default([])
    .describe('host:port of peers to join through; none founds the overlay.'),
  credentials: z
    .enum(['enroll', 'self-signed', 'import'])
    .default('enroll')
    .describe('Where the certificates come from.'),
  account: text().optional().describe('Account at the enrollment server, with credentials: enroll.'),
  password: text().optional().describe('Its password.'),
  userName: text()
    .optional()
    .describe('user@domain in the certificate of the node. Default: the account, or a random name.'),
  certificate: text().optional().describe('PEM file of the node certificate, with credentials: import.'),
  privateKey: text().optional().describe('PEM file of its private key.'),
  authority: text()
    .optional()
    .describe('Folder of an enrollment authority on this machine; founded when it is empty.'),
  enrollment: z
    .strictObject({
      listen: text()
        .optional()
        .describe('host:port; serves the Configuration Document and enrollment over https.'),
      url: text()
        .optional()
        .describe('https URL of enrollment for the document of an overlay that is founded here.'),
      names: z
        .array(text())
        .max(32)
        .default([])
        .describe('Further names and addresses for the certificate of the https server.'),
      certificate: text()
        .optional()
        .describe('PEM file of its certificate. Default: one issued by the authority for the overlay name.'),
      privateKey: text().optional().describe('PEM file of its private key.'),
      validity: seconds(60, 315_360_000)
        .default(31_536_000)
        .describe('Seconds that a certificate issued here is valid.'),
    })
    .prefault({})
    .describe('Enrollment server (RFC 6940 s.11.3) for the authority of this machine.'),
  standalone: z
    .boolean()
    .default(false)
    .describe('Go on serving phones when every other peer is out of reach, as a ring of one.'),
  keylog: text()
    .optional()
    .describe('File for the NSS key log of all links. Makes every link readable: for tests only.'),
})
