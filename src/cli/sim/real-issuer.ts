/** Real certificates for small simulations: issued before the run, because making them takes its time and runs never wait. */
import { createAuthority, issueCredential } from '../../enrollment/io/index.ts'
import { NodeCrypto, type Credential, type KeyAlgorithm } from '../../reload/index.ts'
import { OVERLAY_NAME } from '../../sim/configuration.ts'
import type { Issuer } from '../../sim/issuer.ts'
import { peerName } from '../../sim/overlay.ts'
import type { Plan } from '../../sim/plan.ts'
import { userName } from '../../sim/population.ts'
import { WALL_START } from '../../sim/world.ts'

/** Peers that churn may bring beyond the expected number. */
const MORE_PEERS = 50

/** Keys come from the system's random numbers: such a run is never the same twice. */
export async function realIssuer(plan: Plan, algorithm: KeyAlgorithm): Promise<Issuer> {
  const crypto = new NodeCrypto()
  const authority = await createAuthority(OVERLAY_NAME, WALL_START)
  const root = crypto.parseCertificate(authority.rootCertificate, OVERLAY_NAME)
  if (!root.ok) throw new RangeError(root.error)
  const credentials = new Map<string, Credential>()
  for (const name of namesOf(plan)) {
    const issued = await issueCredential(authority, { userName: name, algorithm }, WALL_START)
    if (!issued.ok) throw new RangeError(issued.error.reason)
    credentials.set(name, issued.value.credential)
  }
  return {
    crypto,
    root: root.value,
    issue: (name) => {
      const credential = credentials.get(name)
      if (credential === undefined)
        throw new RangeError(`no certificate was made for ${name}: fewer peers, please`)
      return credential
    },
  }
}

function namesOf({ peers, users, churn, loadMs }: Plan): string[] {
  const coming = churn === undefined ? 0 : Math.ceil((1.5 * peers * loadMs) / churn.meanMs) + MORE_PEERS
  return [
    ...Array.from({ length: peers + coming }, (_, index) => peerName(index)),
    ...Array.from({ length: users }, (_, index) => userName(index)),
  ]
}
