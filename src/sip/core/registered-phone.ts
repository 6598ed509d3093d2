import type { OwnIdentity } from '../proxy/index.ts'
import type { Registrar } from '../registrar/index.ts'
import type { IncomingRequest } from '../transaction/index.ts'

/** It says that it is of a phone that is registered here, and comes from where that phone is reached. */
export function isRegisteredPhone(
  registrar: Pick<Registrar<never>, 'bindings'>,
  identity: Pick<OwnIdentity, 'aorOf'>,
  { message, source }: IncomingRequest,
): boolean {
  const aor = identity.aorOf(message.from)
  if (!aor.ok) return false
  return registrar.bindings(aor.value).some(({ reach }) => {
    if (reach.transport !== source.transport) return false
    if (source.flow !== 0) return reach.flow === source.flow
    return reach.host === source.host && reach.port === source.port
  })
}
