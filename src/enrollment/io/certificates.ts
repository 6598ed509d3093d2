/** Certificates of authorities and servers, made with @peculiar/x509 (which is asynchronous). */
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'

import * as x509 from '@peculiar/x509'

import type { WallTime } from '../../common/time.ts'
import type { KeyAlgorithm } from '../../reload/security/index.ts'

/** A signing key with the certificate of its owner; `certificate` is undefined for a certificate that signs itself. */
export interface Issuer {
  /** DER PrivateKeyInfo. */
  readonly pkcs8: Uint8Array
  readonly algorithm: KeyAlgorithm
  readonly certificate: Uint8Array | undefined
}

export interface Validity {
  readonly notBefore: WallTime
  readonly notAfter: WallTime
}

export interface RootTemplate extends Validity {
  readonly overlayName: string
  /** DER SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array
  readonly pathLength?: number
}

export interface ServerTemplate extends Validity {
  /** DNS names and IP addresses. */
  readonly names: readonly string[]
  /** Domains that it speaks for in SIP (RFC 5922 s.4); then it is good for the client side of TLS, too. */
  readonly sipDomains?: readonly string[]
  /** DER SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array
}

/** A CA certificate: self-signed when `issuer.certificate` is undefined. DER. */
export async function makeCaCertificate(issuer: Issuer, template: RootTemplate): Promise<Uint8Array> {
  const publicKey = new x509.PublicKey(template.publicKeyInfo)
  return generate(issuer, template, `CN=${template.overlayName} RELOAD root`, [
    new x509.BasicConstraintsExtension(true, template.pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
  ])
}

/**
 * A certificate of a server, for HTTPS (RFC 2818) and SIP (RFC 5922). It has no Node-ID and no user name, so that no peer takes it
 * for one of a node.
 */
export async function makeServerCertificate(issuer: Issuer, template: ServerTemplate): Promise<Uint8Array> {
  const names: x509.JsonGeneralNames = template.names.map((value) => ({
    type: isIP(value) === 0 ? 'dns' : 'ip',
    value,
  }))
  const sipDomains = template.sipDomains ?? []
  for (const domain of sipDomains) names.push({ type: 'url', value: `sip:${domain}` })
  const forSip = sipDomains.length > 0
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
  // Phones of some age look for a subject, and stumble over a critical subjectAltName.
  return generate(issuer, template, forSip ? `CN=${template.names[0] ?? ''}` : '', [
    new x509.SubjectAlternativeNameExtension(names, !forSip),
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(forSip ? [serverAuth, clientAuth] : [serverAuth]),
  ])
}

async function generate(
  issuer: Issuer,
  template: Validity & { readonly publicKeyInfo: Uint8Array },
  subject: string,
  extensions: x509.Extension[],
): Promise<Uint8Array> {
  const above = issuer.certificate === undefined ? undefined : await issuerParts(issuer.certificate)
  if (above !== undefined) extensions.push(new x509.Extension(above.keyIdentifier))
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber().toString('hex'),
      subject,
      issuer: above === undefined ? subject : new x509.Name(above.subject),
      notBefore: new Date(template.notBefore),
      notAfter: new Date(template.notAfter),
      publicKey: new x509.PublicKey(template.publicKeyInfo),
      signingKey: await signingKeyOf(issuer),
      signingAlgorithm: signingAlgorithmOf(issuer.algorithm),
      extensions,
    },
    webcrypto,
  )
  return new Uint8Array(certificate.rawData)
}

/** 126 random bits: positive, no leading zero, and unpredictable as RFC 5280 and CA practice want it. */
export function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return bytes
}

function signingAlgorithmOf(algorithm: KeyAlgorithm): { name: string; hash: string; namedCurve?: string } {
  return algorithm === 'rsa'
    ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    : { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' }
}

/** What a certificate has of its issuer's. */
interface IssuerParts {
  /** DER Name. */
  readonly subject: Uint8Array
  /** The whole extension authorityKeyIdentifier, DER. */
  readonly keyIdentifier: Uint8Array
}

const ISSUERS = new WeakMap<Uint8Array, Promise<IssuerParts>>()

/** Read once an issuer. */
export function issuerParts(certificate: Uint8Array): Promise<IssuerParts> {
  let parts = ISSUERS.get(certificate)
  if (parts === undefined) {
    parts = readIssuer(new x509.X509Certificate(certificate))
    ISSUERS.set(certificate, parts)
  }
  return parts
}

async function readIssuer({ publicKey, subjectName }: x509.X509Certificate): Promise<IssuerParts> {
  const keyIdentifier = await x509.AuthorityKeyIdentifierExtension.create(publicKey, false, webcrypto)
  return {
    subject: new Uint8Array(subjectName.toArrayBuffer()),
    keyIdentifier: new Uint8Array(keyIdentifier.rawData),
  }
}

/** Imported once an issuer: an authority signs with the same key all its life. */
const SIGNING_KEYS = new WeakMap<Uint8Array, Promise<webcrypto.CryptoKey>>()

function signingKeyOf(issuer: Issuer): Promise<webcrypto.CryptoKey> {
  let key = SIGNING_KEYS.get(issuer.pkcs8)
  if (key === undefined) {
    key = webcrypto.subtle.importKey('pkcs8', issuer.pkcs8, signingAlgorithmOf(issuer.algorithm), false, [
      'sign',
    ])
    SIGNING_KEYS.set(issuer.pkcs8, key)
  }
  return key
}

/** Subject of a certificate as one line of text. */
export function subjectOf(der: Uint8Array): string {
  return new x509.X509Certificate(der).subject
}
