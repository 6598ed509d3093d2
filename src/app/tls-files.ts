/** Certificates and keys that the operator brings, looked at the way a handshake will use them. */
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { ConfigError } from './config/fault.ts'

/**
 * That TLS takes them. A first certificate and a key that can be read, and that fit, are not enough: OpenSSL also reads the certificates
 * behind it, and refuses keys that are too short. It has to be known before anything of a new configuration is in force. Throws
 * `ConfigError` with `file` at fault.
 */
export function refuseUnfitForTls(options: SecureContextOptions, file: string, key: string): void {
  try {
    createSecureContext(options)
  } catch (cause) {
    throw new ConfigError(`${file}: TLS does not take it (${reasonOf(cause)}); see ${key}`, { cause })
  }
}

/** OpenSSL's words without its number and library, as "ee key too small". */
function reasonOf(error: unknown): string {
  const { reason } = error as { readonly reason?: unknown }
  return typeof reason === 'string' ? reason : error instanceof Error ? error.message : String(error)
}
