/** What a phone has to be told, and helpers to write it down. */
import { formatHostPort } from '../../app/config/endpoint.ts'

export type PhoneTransport = 'udp' | 'tcp' | 'tls'

export interface PhoneAccount {
  readonly user: string
  readonly domain: string
  /** Digest user name. */
  readonly authName: string
  /** As the user gave it, or a word that stands for it. */
  readonly password: string
  readonly displayName: string
  /**
   * Peers to register at, the first one preferred. Empty: the phone asks DNS for the domain (RFC 3263), as `ringbridge print-dns`
   * writes it.
   */
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  readonly transport: PhoneTransport
  /** Seconds of a registration. */
  readonly expires: number
  /** Where this text will be found by phones that fetch it. */
  readonly url: string | undefined
}

export interface PhoneModel {
  readonly name: string
  /** Other words for it. */
  readonly aliases: readonly string[]
  readonly title: string
  /** Where the text goes. */
  readonly file: string
  readonly text: (account: PhoneAccount) => string
  /** What its camera reads; a text says why there is nothing. */
  readonly qr: (account: PhoneAccount) => { readonly payload: string } | { readonly none: string }
  readonly notes: (account: PhoneAccount) => readonly string[]
}

export const NO_CAMERA = (): { readonly none: string } => ({ none: 'this phone reads no QR code' })

/** `host:port` of the first peer, or of a later one. */
export function serverAt(account: PhoneAccount, index: number): string | undefined {
  const server = account.servers[index]
  return server === undefined ? undefined : formatHostPort(server)
}

export function xml(text: string | number): string {
  return String(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** `<name>value</name>` lines; an undefined value leaves its line out. */
export function elements(
  indent: string,
  values: readonly (readonly [name: string, value: string | number | undefined])[],
): string {
  return values
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${indent}<${name}>${xml(value ?? '')}</${name}>`)
    .join('\n')
}
