/** Sizes beyond which a message is refused. The field names are those of SipLimits. */
export interface ParseLimits {
  readonly headBytesMax: number
  readonly headersMax: number
  readonly viaMax: number
  readonly bodyBytesMax: number
}

/** sip-requirements S-PA-01. */
export const DEFAULT_PARSE_LIMITS: ParseLimits = {
  headBytesMax: 65_536,
  headersMax: 256,
  viaMax: 70,
  bodyBytesMax: 262_144,
}
