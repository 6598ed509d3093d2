/** Certificates for TLS towards phones, with whatever a test wants in them. Keys are made once. */
import 'reflect-metadata'
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

export interface TestIdentity {
  /** PEM */
  readonly certificates: string
  /** PEM */
  readonly privateKey: string
}

export interface CertificateWishes {
  /** Entries of the subjectAltName; none: there is no such extension. */
  readonly names?: x509.JsonGeneralNames
  readonly commonName?: string
  /** From now. */
  readonly validForMs?: number
}

/** An authority that exists for one test file. */
export class TestAuthority {
  /** PEM */
  readonly root: string
  private readonly certificate: x509.X509Certificate
  private readonly key: webcrypto.CryptoKey

  private constructor(certificate: x509.X509Certificate, key: webcrypto.CryptoKey) {
    this.certificate = certificate
    this.key = key
    this.root = certificate.toString('pem')
  }

  static async create(name: string): Promise<TestAuthority> {
    const { publicKey, key } = await keyPair()
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: '01',
        subject: `CN=${name}`,
        issuer: `CN=${name}`,
        notBefore: new Date(Date.now() - DAY_MS),
        notAfter: new Date(Date.now() + DAY_MS),
        publicKey,
        signingKey: key,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        ],
      },
      webcrypto,
    )
    return new TestAuthority(certificate, key)
  }

  async issue({
    names,
    commonName = 'phone',
    validForMs = DAY_MS,
  }: CertificateWishes): Promise<TestIdentity> {
    const { publicKey, privateKey } = await keyPair()
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: `40${randomBytes(8).toString('hex')}`,
        subject: `CN=${commonName}`,
        issuer: this.certificate.subjectName,
        notBefore: new Date(Date.now() - DAY_MS),
        notAfter: new Date(Date.now() + validForMs),
        publicKey,
        signingKey: this.key,
        signingAlgorithm: ALGORITHM,
        extensions: names === undefined ? [] : [new x509.SubjectAlternativeNameExtension(names)],
      },
      webcrypto,
    )
    return { certificates: certificate.toString('pem'), privateKey }
  }
}

async function keyPair(): Promise<{
  publicKey: x509.PublicKey
  privateKey: string
  key: webcrypto.CryptoKey
}> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
  return {
    publicKey: new x509.PublicKey(pair.publicKey.export({ type: 'spki', format: 'der' })),
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    key: await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']),
  }
}
