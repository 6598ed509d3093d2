/** What was read of a credential. */
export interface CredentialParts {
  /** Where its key stands, for messages. */
  readonly file: string
  /** DER; its own first, then those of CAs. */
  readonly certificates: readonly Uint8Array[]
  /** PEM, encrypted perhaps. */
  readonly key: string
}
