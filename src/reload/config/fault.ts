/**
 * Why a Configuration Document is not usable. `malformed` and `invalid`: discard it; `absent`: no element for the
 * wanted overlay; `unsupported`: a good document of an overlay that this node cannot join (RFC 6940 s.11.1).
 */
export interface ConfigFault {
  readonly kind: 'malformed' | 'invalid' | 'absent' | 'unsupported'
  readonly reason: string
}

/** Thrown inside config/ only; `parseConfiguration` turns it into a result. */
export class ConfigError extends Error {
  readonly fault: ConfigFault

  constructor(kind: ConfigFault['kind'], reason: string) {
    super(reason)
    this.name = 'ConfigError'
    this.fault = { kind, reason }
  }
}

export function invalid(reason: string): ConfigError {
  return new ConfigError('invalid', reason)
}

export function unsupported(reason: string): ConfigError {
  return new ConfigError('unsupported', reason)
}
