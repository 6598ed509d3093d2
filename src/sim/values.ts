import { key, type Credential, type FetchResult, type ValueToStore } from '../reload/index.ts'
import { KIND, encodeSipRegistration } from '../reload/index.ts'
import { NO_PREFERENCES, encodeContactPreferences, type NodeId } from '../reload/index.ts'

/** The SIP-REGISTRATION by which `gateway` serves the user of `credential`. */
export function registration(credential: Credential, gateway: NodeId, lifetimeS = 3_600): ValueToStore {
  const value = encodeSipRegistration({
    kind: 'route',
    contactPrefs: encodeContactPreferences(NO_PREFERENCES),
    destinations: [{ kind: 'node', nodeId: gateway }],
  })
  return {
    kind: KIND.sipRegistration,
    model: 'dictionary',
    key: credential.nodeId,
    exists: true,
    value,
    lifetimeS,
  }
}

/** Dictionary keys of the registrations in a result. */
export function registeredKeys(result: FetchResult): string[] {
  const values = result.kinds.get(KIND.sipRegistration)?.values ?? []
  return values
    .filter(({ data }) => data.value.value.exists)
    .map(({ data }) => (data.value.model === 'dictionary' ? key(data.value.key) : ''))
    .sort()
}
