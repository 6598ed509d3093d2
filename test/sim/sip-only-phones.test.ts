/** Phones that know nothing of the overlay (RFC 6940 app. B.2). */
import { describe, expect, it } from 'vitest'
import { decodeSipRegistration, decodeStoredData, key, KIND } from '../../src/reload/index.ts'
import { readRecord, valueKey } from '../../src/reload/storage/records.ts'
import { Nodes } from './nodes.ts'

describe('a phone that speaks SIP only', () => {
  it('R6940-B.2-01 A6940-B.2-01 R6940-7.3.3-02 is served by a peer that holds the credentials of its user and acts as the peer of that user', () => {
    const nodes = new Nodes('sip only').users(3).grow(5)
    const home = nodes.node(3)
    const phone = nodes.registered('u1', 3)
    const { credential } = home.enrolled.find(({ aor }) => aor === phone.aor)!
    expect(credential.certificate.userName).toBe(phone.aor)
    expect(key(credential.nodeId)).not.toBe(key(home.nodeId))
    // What lies in the overlay: an entry of that user, by his own key, that leads to this peer.
    const resource = nodes.resource(phone.aor)
    const prefix = valueKey(resource, KIND.sipRegistration, '')
    const [owner] = nodes.dueHolders(resource)
    const [record] = nodes.network.disk(owner!.name).records.filter(([name]) => name.startsWith(prefix))
    const read = readRecord(...record!)
    if (!read.ok || read.value.kind !== 'value') throw new Error('no value')
    const data = decodeStoredData(read.value.encoded, read.value.model)
    if (!data.ok || data.value.value.model !== 'dictionary') throw new Error('no dictionary entry')
    expect(key(data.value.value.key)).toBe(key(credential.nodeId))
    expect(decodeSipRegistration(data.value.value.value.value)).toMatchObject({
      ok: true,
      value: { kind: 'route', destinations: [{ kind: 'node', nodeId: home.nodeId }] },
    })
    const stored = home.commands.flatMap((command) =>
      command.kind === 'store' && key(command.resource) === key(resource) ? [command.credential] : [],
    )
    expect(stored.length).toBeGreaterThan(0)
    for (const signer of stored)
      expect(signer.certificate.fingerprint).toBe(credential.certificate.fingerprint)
    // And the phone is called from elsewhere as any user of the overlay.
    const caller = nodes.registered('u2', 0)
    expect(nodes.finished(caller.call(phone.aor)), nodes.replay()).toBe(200)
    expect(phone.rung).toHaveLength(1)
  })
})
