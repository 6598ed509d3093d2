/** Digest authentication of phones. For use inside `src/sip`, and by the account tools for `digestHash`. */
export { DIGEST_ALGORITHMS, digestHash, userHash, withRealm, type DigestAlgorithm } from './algorithms.ts'
export { answerChallenge, chooseChallenge, type DigestChallenge, type DigestIdentity } from './client.ts'
export { parseDigest } from '../message/digest-params.ts'
export {
  challenge,
  responseFor,
  verify,
  type DigestAccount,
  type DigestQop,
  type DigestRequest,
  type DigestRules,
  type DigestUsers,
} from './digest.ts'
export type { Credential, DigestVerdict } from './verdict.ts'
export { NONCE_USES_MAX, NonceWindow } from './nonce-window.ts'
export { NONCE_LIFE_MS, NonceSerials } from './nonce.ts'
