/** Why no certificate is issued: the tokens that an enrollment server answers with (RFC 6940 s.11.3). */
export type DenialToken =
  'failed_authentication' | 'username_not_available' | 'Node-IDs_not_available' | 'bad_CSR'

export interface Denial {
  readonly token: DenialToken
  /** For logs; may hold no personal data. */
  readonly reason: string
}
