/** Who may write what (RFC 6940 s.7.3). Asked once for the signer of a value and once for that of a StoreReq. */
import { unreachable } from '../../common/assert.ts'
import { sameId, type ResourceId, type StoredDataValue } from '../codec/index.ts'
import type { KindDefinition } from '../config/types.ts'
import type { CryptoPort } from './port.ts'
import { resourceIdOf, type NamedResources } from './resource-id.ts'
import type { Signer } from './trust.ts'

export interface WriteAttempt {
  readonly resource: ResourceId
  readonly signer: Signer
  readonly value: StoredDataValue
}

/** The counter of NODE-MULTIPLE is hashed as one byte, as wide as TurnServer.iteration; the RFC does not say. */
const NODE_MULTIPLE_MAX = 255

/** True when the policy of `definition` lets `signer` write `value` at `resource`. */
export function permitted(names: NamedResources, definition: KindDefinition, attempt: WriteAttempt): boolean {
  const { resource, signer, value } = attempt
  if (value.model !== definition.dataModel) return false
  switch (definition.accessControl) {
    case 'USER-MATCH':
      return userMatches(names, attempt)
    case 'NODE-MATCH':
      return sameId(resourceIdOf(names.crypto, signer.nodeId), resource)
    case 'USER-NODE-MATCH':
      return value.model === 'dictionary' && sameId(value.key, signer.nodeId) && userMatches(names, attempt)
    case 'NODE-MULTIPLE':
      return nodeMultipleMatches(names.crypto, definition, attempt)
    default:
      return unreachable(definition.accessControl)
  }
}

function userMatches(names: NamedResources, { signer, resource }: WriteAttempt): boolean {
  const { userName } = signer.certificate
  return userName !== '' && sameId(names.ofUser(userName), resource)
}

/** The resource name of NODE-MULTIPLE: the Node-ID followed by i, from 1. */
export function nodeMultipleName(nodeId: Uint8Array, i: number): Uint8Array {
  const name = new Uint8Array(nodeId.length + 1)
  name.set(nodeId)
  name[nodeId.length] = i
  return name
}

/** i is not on the wire, so the verifier tries them all (RFC 6940 s.7.3.4). */
function nodeMultipleMatches(crypto: CryptoPort, definition: KindDefinition, attempt: WriteAttempt): boolean {
  const most = Math.min(definition.maxNodeMultiple, NODE_MULTIPLE_MAX)
  for (let i = 1; i <= most; i++) {
    if (sameId(resourceIdOf(crypto, nodeMultipleName(attempt.signer.nodeId, i)), attempt.resource))
      return true
  }
  return false
}
