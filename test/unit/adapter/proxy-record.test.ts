import { describe, expect, it } from 'vitest'
import { FlowPool } from '../../../src/adapter/flow-pool.ts'
import { Locator } from '../../../src/adapter/locate.ts'
import { proxyEntry } from '../../../src/adapter/proxy-record.ts'
import { Publisher } from '../../../src/adapter/publish.ts'
import { fromUtf8 } from '../../../src/common/bytes.ts'
import { decodeSipRegistration } from '../../../src/reload/index.ts'
import {
  adapterParts,
  ALICE,
  at,
  dictionaryEntry,
  drained,
  fetches,
  found,
  locateQuestion,
  nodeCredential,
  nodeId,
  OVERLAY,
  stored,
  stores,
  userCredential,
} from './fixture.ts'

const PROXY = `_proxy@${OVERLAY}`
const CREDENTIAL = userCredential(PROXY, 0xf1)
const ADDRESSES = ['198.51.100.7:5060/udp', '[2001:db8::7]:5061/tls']
const RECORD = { domains: [OVERLAY], addresses: ADDRESSES, exit: true }

describe('proxy location records', () => {
  it('M-30 a proxy stores its addresses at _proxy@domain for an hour, renews them after three quarters, and takes them back', () => {
    const parts = adapterParts({ proxyRecord: RECORD })
    const publisher = new Publisher(parts, nodeCredential())
    // Without `resume`: a founder has joined already.
    publisher.setHosted(at(0), [ALICE], new Map([[PROXY, CREDENTIAL]]))
    const [look] = fetches(drained(parts).commands)
    publisher.fetchDone(at(1), look!.id, { ok: true, value: found([]) })
    const [store] = stores(drained(parts).commands)
    expect(store?.resource).toEqual(parts.resourceOfAor(PROXY))
    expect(store?.credential).toBe(CREDENTIAL)
    const [value] = store!.values
    expect(value?.lifetimeS).toBeGreaterThanOrEqual(3600)
    expect(value?.lifetimeS).toBeLessThanOrEqual(3660)
    const entry = decodeSipRegistration(value!.value)
    if (!entry.ok || entry.value.kind !== 'route') throw new Error('no route')
    expect(fromUtf8(entry.value.contactPrefs)).toBe(
      '(& (| (sip-adapter.addr="198.51.100.7:5060/udp") (sip-adapter.addr="[2001:db8::7]:5061/tls")) (sip-adapter.exit=TRUE))',
    )
    publisher.storeDone(at(2), stored(store!.id))
    // No phones stand behind it.
    expect(publisher.counts(at(2)).aors).toBe(0)
    parts.outbox.drain()
    const due = parts.deadlines.next()
    expect(due).toBeGreaterThan(1000 * 3600 * 0.6)
    expect(due).toBeLessThan(1000 * 3600 * 0.9)
    publisher.timeout(at(due), PROXY, 'renew')
    const [again] = stores(drained(parts).commands)
    expect(again?.values[0]?.exists).toBe(true)
    publisher.storeDone(at(due + 1), stored(again!.id))
    publisher.withdraw(at(due + 2))
    expect(stores(drained(parts).commands)[0]?.values[0]?.exists).toBe(false)
  })

  it('M-30 asks for a certificate of that name once, and goes without when it is refused', () => {
    const parts = adapterParts({ proxyRecord: RECORD, enrollOnFirstRegister: true })
    const publisher = new Publisher(parts, nodeCredential())
    publisher.setHosted(at(0), [], new Map())
    const wanted = parts.outbox.drain().flatMap((one) => (one.to === 'shell' ? [one.action] : []))
    expect(wanted).toEqual([{ kind: 'enroll', aor: PROXY, urgent: false }])
    publisher.resume(at(0))
    expect(drained(parts).all).toEqual([])
    publisher.enrolled(at(1), PROXY, { ok: false, final: true, reason: 'not an operator' })
    publisher.resume(at(2))
    expect(drained(parts).all).toEqual([])
  })

  it('M-30 a reader learns addresses, node and whether it is an exit; other entries say nothing of the kind', () => {
    const parts = adapterParts()
    const locator = new Locator(parts, new Publisher(parts, nodeCredential()), new FlowPool(parts))
    const there = nodeId(0x0b)
    locator.locate(at(0), locateQuestion(1, PROXY, 10_000))
    const [fetch] = fetches(drained(parts).commands)
    const value = dictionaryEntry(CREDENTIAL, proxyEntry(there, RECORD))
    const forged = dictionaryEntry(userCredential(ALICE, 0xa1), proxyEntry(nodeId(0x0d), RECORD))
    locator.fetchDone(at(1), fetch!.id, { ok: true, value: found([value, forged]) })
    const [answer] = drained(parts).sip
    if (answer?.kind !== 'located' || answer.outcome.kind !== 'found') throw new Error('not found')
    expect(answer.outcome.targets).toHaveLength(1)
    expect(answer.outcome.targets[0]).toMatchObject({
      node: '0b'.repeat(16),
      addresses: ADDRESSES,
      exit: true,
    })
  })

  it('M-30 M-13 more addresses than contact_prefs hold are left out', () => {
    const addresses = Array.from({ length: 40 }, (_, i) => `host-number-${i}.example.com:5060/tcp`)
    const entry = decodeSipRegistration(proxyEntry(nodeId(1), { ...RECORD, addresses }))
    if (!entry.ok || entry.value.kind !== 'route') throw new Error('no route')
    expect(entry.value.contactPrefs.length).toBeLessThanOrEqual(512)
    expect(fromUtf8(entry.value.contactPrefs)).toContain('host-number-5.')
  })
})
