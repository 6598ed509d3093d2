/**
 * The certificate of a server of this machine, issued by the overlay's authority: that of the enrollment server for the overlay name
 * and whatever else its URLs say, and that of SIP over TLS where the operator has none of his own. Clients trust it through the root
 * certificate: given as a CA file to phones and for the first document, and then the root-cert of the document itself.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { fromUtf8 } from '../../common/bytes.ts'
import type { WallTime } from '../../common/time.ts'
import type { Authority } from '../authority.ts'
import { makeServerCertificate } from '../io/certificates.ts'
import { generateKey, keyPem } from '../io/key-pair.ts'
import { makePrivateFolder, readFileIfThere, readPrivateFile, writePrivateFile } from '../io/private-file.ts'
import { renewalTime } from '../renewal-schedule.ts'
import type { HttpsIdentity } from './server.ts'

const KEY_FILE = 'key.pem'
const CERTIFICATE_FILE = 'certificate.pem'
/** Web clients refuse server certificates of more than 398 days. */
const VALIDITY_MS = 365 * 86_400_000

/** The identity kept in `folder`, made or renewed when it is missing, due, made by a clock that was ahead, or for other names or another root. */
export async function serverIdentity(
  authority: Authority,
  folder: string,
  names: readonly string[],
  wall: WallTime,
  sipDomains: readonly string[] = [],
): Promise<HttpsIdentity> {
  await makePrivateFolder(folder)
  const wanted: WantedNames = { names, sipDomains }
  const stored = await load(folder)
  if (stored !== undefined && isUsable(stored, authority, wanted, wall)) return stored
  return make(authority, folder, wanted, wall, stored?.privateKey)
}

interface WantedNames {
  readonly names: readonly string[]
  /** Domains that it shall speak for in SIP (RFC 5922). */
  readonly sipDomains: readonly string[]
}

async function load(folder: string): Promise<HttpsIdentity | undefined> {
  const key = await readPrivateFile(join(folder, KEY_FILE))
  const certificate = await readFileIfThere(join(folder, CERTIFICATE_FILE))
  return key === undefined || certificate === undefined
    ? undefined
    : { certificates: fromUtf8(certificate), privateKey: fromUtf8(key) }
}

function isUsable(
  { certificates, privateKey }: HttpsIdentity,
  authority: Authority,
  { names, sipDomains }: WantedNames,
  wall: WallTime,
): boolean {
  try {
    const certificate = new X509Certificate(certificates)
    const [from, until] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
    return (
      wall >= from &&
      wall < renewalTime(from, until, 0) &&
      names.every((name) => isFor(certificate, name)) &&
      sipDomains.every((domain) => hasUri(certificate, `sip:${domain}`)) &&
      certificate.verify(new X509Certificate(authority.rootCertificate).publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(privateKey))
    )
  } catch {
    // A file that cannot be read is replaced: nothing in it is worth a person's time.
    return false
  }
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined
}

/** Our own certificates: no value of theirs has a comma in it. */
function hasUri({ subjectAltName }: X509Certificate, uri: string): boolean {
  return subjectAltName?.split(', ').includes(`URI:${uri}`) === true
}

async function make(
  authority: Authority,
  folder: string,
  { names, sipDomains }: WantedNames,
  wall: WallTime,
  oldKey: string | undefined,
): Promise<HttpsIdentity> {
  const privateKey =
    oldKey !== undefined && isKey(oldKey) ? oldKey : keyPem((await generateKey('ecdsa')).pkcs8)
  const { rootCertificate, rootKey, policy } = authority
  const der = await makeServerCertificate(
    { pkcs8: rootKey, algorithm: 'ecdsa', certificate: rootCertificate },
    {
      names,
      sipDomains,
      publicKeyInfo: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
      notBefore: wall - policy.backdateMs,
      notAfter: wall + VALIDITY_MS,
    },
  )
  const certificates = new X509Certificate(der).toString()
  // The key first: a certificate without its key would be of no use.
  await writePrivateFile(join(folder, KEY_FILE), privateKey)
  await writePrivateFile(join(folder, CERTIFICATE_FILE), certificates)
  return { certificates, privateKey }
}

function isKey(pem: string): boolean {
  try {
    createPrivateKey(pem)
    return true
  } catch {
    return false
  }
}
