/**
 * The certificate that phones see on tls:// and wss://: from the operator's files, or issued by the authority of this machine so that
 * TLS can be tried before anybody has bought one (docs/adr/0013-certificate-for-phones.md).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { rootCertificates } from 'node:tls'
import { fromUtf8 } from '../common/bytes.ts'
import { serverIdentity } from '../enrollment/http/index.ts'
import type { StoredAuthority } from '../enrollment/io/index.ts'
import { contextOptions, type TlsSettings } from '../sip/io/tls-context.ts'
import { sipDomains, speaksFor } from '../sip/transport/index.ts'
import { isUnspecified, parseSipEndpoint, phoneAddresses } from './config/endpoint.ts'
import { ConfigError } from './config/fault.ts'
import { hostedDomains, phoneTlsFolder } from './config/places.ts'
import type { Config } from './config/schema.ts'
import { readKeyFile, readNeeded } from './files.ts'
import { refuseUnfitForTls } from './tls-files.ts'
import { asConfigError } from './trust/overlay-folder.ts'

/** Schemes of `sip.listen` that need a certificate. */
const SECURE_SCHEMES: ReadonlySet<string> = new Set(['tls', 'wss'])
const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1']

export interface PhoneTls {
  readonly settings: TlsSettings
  /** Undefined where nothing listens with TLS. */
  readonly certificate: PhoneCertificate | undefined
}

export interface PhoneCertificate {
  /** Milliseconds since 1970, like its end. */
  readonly notBefore: number
  readonly notAfter: number
  /** By the authority of this machine. */
  readonly issuedHere: boolean
  /** Whether phones that are told this name or address will find the certificate right. */
  isFor(host: string): boolean
  /** What it speaks for (RFC 5922 s.7.1). */
  readonly domains: readonly string[]
}

/** Throws `ConfigError` where TLS is wanted and there is no certificate to be had. */
export async function phoneTls(config: Config, authority: StoredAuthority | undefined): Promise<PhoneTls> {
  const secure = secureListeners(config)
  if (secure.length === 0 || config.sip.tls.certificate !== undefined)
    return phoneTlsOfFiles(config, authority)
  return built(config, authority, await issued(config, authority, secure))
}

/** What the operator's files say; no certificate where none is named. Throws `ConfigError`. */
export function phoneTlsOfFiles(config: Config, authority: StoredAuthority | undefined): PhoneTls {
  const { certificate, privateKey } = config.sip.tls
  const named = secureListeners(config).length > 0 && certificate !== undefined && privateKey !== undefined
  return built(config, authority, named ? fromFiles(certificate, privateKey) : undefined)
}

function secureListeners(config: Config): { readonly scheme: string; readonly host: string }[] {
  return config.sip.listen.map(parseSipEndpoint).filter(({ scheme }) => SECURE_SCHEMES.has(scheme))
}

function built(
  config: Config,
  authority: StoredAuthority | undefined,
  identity: TlsSettings['identity'],
): PhoneTls {
  const { verifyClients, certificate: file } = config.sip.tls
  const settings: TlsSettings = { identity, authorities: authoritiesOf(config, authority), verifyClients }
  if (identity !== undefined && file !== undefined)
    refuseUnfitForTls(contextOptions(settings), file, 'sip.tls.certificate')
  return {
    settings,
    certificate:
      identity === undefined ? undefined : certificateOf(identity.certificates, file === undefined),
  }
}

/**
 * RFC 5922 s.7.5: what phones are told is what the certificate says. The address they would be told anyway when that stands in it,
 * else its first name that is no wildcard.
 */
export function namedByCertificate(host: string, certificate: PhoneCertificate): string {
  if (certificate.isFor(host)) return host
  return certificate.domains.find((domain) => !domain.includes('*')) ?? host
}

async function issued(
  config: Config,
  authority: StoredAuthority | undefined,
  listeners: readonly { readonly scheme: string; readonly host: string }[],
): Promise<NonNullable<TlsSettings['identity']>> {
  if (authority === undefined) {
    const schemes = [...new Set(listeners.map(({ scheme }) => `${scheme}://`))].join(' and ')
    throw new ConfigError(
      `"sip.tls.certificate": needed for ${schemes} in sip.listen, with sip.tls.privateKey; there is no authority on this machine to issue one`,
    )
  }
  const names = new Set<string>()
  for (const { host } of listeners) {
    const { advertisedHost, advertisedHost6 } = phoneAddresses(host, config.sip.advertise)
    names.add(advertisedHost)
    if (advertisedHost6 !== undefined) names.add(advertisedHost6)
    if (isUnspecified(host)) for (const name of LOOPBACK_NAMES) names.add(name)
  }
  const domains = hostedDomains(config)
  for (const domain of domains) names.add(domain)
  // An identity of SIP is a domain (RFC 5922 s.7.1): where one stands as URI, DNS names count for nothing.
  const spokenFor = [...names].filter((name) => isIP(name) === 0)
  return asConfigError(
    serverIdentity(authority, phoneTlsFolder(config), [...names], Date.now(), spokenFor),
    'the certificate for phones',
  )
}

function fromFiles(certificate: string, privateKey: string): NonNullable<TlsSettings['identity']> {
  const certificates = fromUtf8(readNeeded(certificate, 'sip.tls.certificate'))
  const key = fromUtf8(readKeyFile(privateKey, 'sip.tls.privateKey'))
  const leaf = asFault(`${certificate}: holds no PEM certificate; see sip.tls.certificate`, () => {
    return new X509Certificate(certificates)
  })
  const parsed = asFault(`${privateKey}: holds no PEM private key; see sip.tls.privateKey`, () => {
    return createPrivateKey(key)
  })
  if (!leaf.checkPrivateKey(parsed))
    throw new ConfigError(`${privateKey}: is not the key of the first certificate in ${certificate}`)
  return { certificates, privateKey: key }
}

function certificateOf(pem: string, issuedHere: boolean): PhoneCertificate {
  const leaf = new X509Certificate(pem)
  const names = {
    subjectAltName: leaf.subjectAltName,
    commonName: /^CN=(.+)$/m.exec(leaf.subject)?.[1],
  }
  return {
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    issuedHere,
    isFor: (host) => speaksFor(names, host),
    domains: sipDomains(names),
  }
}

/** Undefined: what Node believes by itself. */
function authoritiesOf(
  config: Config,
  authority: StoredAuthority | undefined,
): readonly string[] | undefined {
  const { ca } = config.sip.tls
  if (ca !== undefined) {
    const pem = fromUtf8(readNeeded(ca, 'sip.tls.ca'))
    asFault(`${ca}: holds no PEM certificate; see sip.tls.ca`, () => new X509Certificate(pem))
    return [pem]
  }
  if (authority === undefined) return undefined
  // Nodes of one overlay that meet as SIP servers have certificates of the same authority.
  return [...rootCertificates, new X509Certificate(authority.rootCertificate).toString()]
}

function asFault<T>(message: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new ConfigError(message, { cause: error })
  }
}
