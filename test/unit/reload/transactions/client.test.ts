import { describe, expect, it } from 'vitest'
import { NEVER } from '../../../../src/common/time.ts'
import {
  asNodeId,
  asResourceId,
  ERROR_CODE,
  MESSAGE_CODE,
  type Destination,
  type NodeId,
} from '../../../../src/reload/codec/index.ts'
import { mayAnswer, targetOf, type Closeness } from '../../../../src/reload/transactions/acceptance.ts'
import { ClientTransactions, type AnswerOutcome } from '../../../../src/reload/transactions/client.ts'
import { OUTSTANDING_MAX, requestLifetimeMs } from '../../../../src/reload/transactions/constants.ts'

function nodeId(value: number): NodeId {
  return asNodeId(new Uint8Array(16).fill(value))
}

const RESOURCE = asResourceId(new Uint8Array(16).fill(7))
const ANYONE = { asCloseAsNeighbors: () => true }
const NOBODY = { asCloseAsNeighbors: () => false }
const TO_NODE: readonly Destination[] = [{ kind: 'node', nodeId: nodeId(5) }]
const TO_RESOURCE: readonly Destination[] = [{ kind: 'resource', resourceId: RESOURCE }]

function begun(destinations = TO_NODE, timeoutMs?: number): ClientTransactions<string> {
  const transactions = new ClientTransactions<string>({ reliabilityTimerMs: 3_000 })
  const request = {
    transactionId: 1n,
    messageCode: MESSAGE_CODE.fetchReq,
    destinations,
    context: 'c',
  }
  const entered = transactions.begin(0, timeoutMs === undefined ? request : { ...request, timeoutMs })
  expect(entered).toBeDefined()
  return transactions
}

function answered(
  transactions: ClientTransactions<string>,
  over: { signer?: NodeId; messageCode?: number; errorCode?: number; transactionId?: bigint },
  closeness: Closeness = ANYONE,
): AnswerOutcome<string> {
  return transactions.answer(
    { transactionId: 1n, messageCode: MESSAGE_CODE.fetchAns, signer: nodeId(5), ...over },
    closeness,
  )
}

/** Runs a machine from one deadline to the next and notes what it says, as `time kind sends`. */
function timeline(transactions: ClientTransactions<string>): string[] {
  const seen: string[] = []
  for (let now = transactions.nextDeadline(); now !== NEVER; now = transactions.nextDeadline()) {
    for (const { kind, transaction } of transactions.timeout(now))
      seen.push(`${now} ${kind} ${transaction.sends}`)
  }
  return seen
}

describe('end-to-end reliability', () => {
  it('R6940-6.2.1-04 R6940-6.2.1-05 R6940-6.2.1-06 A6940-6.2.1-01 five sends at a fixed interval, failed after the fifth timer', () => {
    expect(timeline(begun())).toEqual([
      '3000 resend 2',
      '6000 resend 3',
      '9000 resend 4',
      '12000 resend 5',
      '15000 failed 5',
    ])
  })

  it('R6940-6.2.1-04 the timer is overlay-reliability-timer', () => {
    const transactions = new ClientTransactions<string>({ reliabilityTimerMs: 200 })
    transactions.begin(1_000, {
      transactionId: 1n,
      messageCode: 1,
      destinations: TO_NODE,
      context: '',
    })
    expect(timeline(transactions).at(-1)).toBe('2000 failed 5')
  })

  it('R6940-6.2.1-05 a repetition is the very same message, under the same transaction id', () => {
    const transactions = begun()
    const sent = transactions.find(1n)
    const [event] = transactions.timeout(3_000)
    expect(event).toMatchObject({ kind: 'resend', transaction: { transactionId: 1n, destinations: TO_NODE } })
    expect(event?.transaction).toBe(sent)
  })

  it('R6940-3-02 the maximum request lifetime is five times the timer', () => {
    expect(requestLifetimeMs(3_000)).toBe(15_000)
    expect(requestLifetimeMs(200)).toBe(1_000)
  })

  it('a shorter limit of the caller ends it earlier, a longer one changes nothing', () => {
    expect(timeline(begun(TO_NODE, 4_000))).toEqual(['3000 resend 2', '4000 failed 2'])
    expect(timeline(begun(TO_NODE, 60_000)).at(-1)).toBe('15000 failed 5')
  })

  it('a clock that jumped causes one repetition, not a burst', () => {
    const transactions = begun()
    expect(transactions.timeout(10_000)).toHaveLength(1)
    expect(transactions.nextDeadline()).toBe(13_000)
  })

  it('nothing is left behind after an answer, a failure or a cancellation', () => {
    const done = begun()
    answered(done, {})
    const cancelled = begun()
    cancelled.cancel(1n)
    const failed = begun()
    timeline(failed)
    for (const transactions of [done, cancelled, failed]) {
      expect([transactions.size, transactions.nextDeadline()]).toEqual([0, NEVER])
      expect(transactions.find(1n)).toBeUndefined()
    }
  })

  it('refuses an id in use, a list whose answer could not be checked, and more than it can hold', () => {
    const transactions = begun()
    const request = { transactionId: 1n, messageCode: 1, destinations: TO_NODE, context: '' }
    expect(transactions.begin(0, request)).toBeUndefined()
    const opaque: Destination = { kind: 'opaque', id: Uint8Array.of(0x80, 0), short: true }
    expect(transactions.begin(0, { ...request, transactionId: 2n, destinations: [opaque] })).toBeUndefined()
    expect(transactions.begin(0, { ...request, transactionId: 2n, destinations: [] })).toBeUndefined()
    for (let id = 2; id <= OUTSTANDING_MAX; id++)
      transactions.begin(0, { ...request, transactionId: BigInt(id) })
    expect(transactions.size).toBe(OUTSTANDING_MAX)
    expect(transactions.begin(0, { ...request, transactionId: 0n })).toBeUndefined()
  })
})

describe('acceptance of answers', () => {
  it('R6940-6.3.3.1-03 the answer to a request is the next code up, or an error', () => {
    expect(answered(begun(), {}).kind).toBe('accepted')
    expect(answered(begun(), { messageCode: MESSAGE_CODE.error, errorCode: ERROR_CODE.notFound }).kind).toBe(
      'accepted',
    )
    const transactions = begun()
    expect(answered(transactions, { messageCode: MESSAGE_CODE.storeAns })).toMatchObject({
      kind: 'rejected',
      reason: 'code',
    })
    expect(transactions.size).toBe(1)
  })

  it('R6940-6.3.4-17 A6940-6.3.4-01 an answer to a Node-ID has to be signed by it', () => {
    expect(targetOf(TO_NODE)).toEqual({ kind: 'node', nodeId: nodeId(5) })
    const transactions = begun()
    expect(answered(transactions, { signer: nodeId(6) })).toMatchObject({
      kind: 'rejected',
      reason: 'signer',
    })
    expect(answered(transactions, { signer: nodeId(5) }).kind).toBe('accepted')
    expect(answered(transactions, {}).kind).toBe('unknown')
  })

  it('R6940-6.3.4-18 an answer to a Resource-ID has to come from one as close as every neighbor', () => {
    expect(answered(begun(TO_RESOURCE), { signer: nodeId(9) }, NOBODY)).toMatchObject({ reason: 'signer' })
    const asked: unknown[] = []
    const closeness = {
      asCloseAsNeighbors: (signer: NodeId, resource: Uint8Array) => {
        asked.push(signer, resource)
        return true
      },
    }
    expect(answered(begun(TO_RESOURCE), { signer: nodeId(9) }, closeness).kind).toBe('accepted')
    expect(asked).toEqual([nodeId(9), RESOURCE])
  })

  it('R6940-6.3.4-17 the wildcard may be answered by anyone, wherever it stands', () => {
    const wildcard: Destination = { kind: 'node', nodeId: asNodeId(new Uint8Array(16).fill(0xff)) }
    for (const list of [[wildcard], [...TO_NODE, wildcard], [wildcard, ...TO_RESOURCE]]) {
      const target = targetOf(list)
      expect(target).toEqual({ kind: 'wildcard' })
      expect(target !== undefined && mayAnswer(target, nodeId(9), NOBODY)).toBe(true)
    }
  })

  it('R6940-6.2.1-01 the last entry of a source route is whom the answer is expected from', () => {
    expect(targetOf([...TO_NODE, ...TO_RESOURCE])).toEqual({ kind: 'resource', resourceId: RESOURCE })
    expect(targetOf([{ kind: 'node', nodeId: nodeId(1) }, ...TO_NODE])).toEqual({
      kind: 'node',
      nodeId: nodeId(5),
    })
  })

  it('routing errors of third nodes are hints, never results', () => {
    const transactions = begun()
    const outcome = answered(transactions, {
      signer: nodeId(6),
      messageCode: MESSAGE_CODE.error,
      errorCode: ERROR_CODE.ttlExceeded,
    })
    expect(outcome).toMatchObject({ kind: 'hint', transaction: { hint: ERROR_CODE.ttlExceeded } })
    expect(transactions.size).toBe(1)
    const events = [3_000, 6_000, 9_000, 12_000, 15_000].flatMap((now) => transactions.timeout(now))
    expect(events.at(-1)).toMatchObject({ kind: 'failed', transaction: { hint: ERROR_CODE.ttlExceeded } })
  })

  it('other errors of third nodes count for nothing', () => {
    const outcome = answered(begun(), {
      signer: nodeId(6),
      messageCode: MESSAGE_CODE.error,
      errorCode: ERROR_CODE.notFound,
    })
    expect(outcome).toMatchObject({ kind: 'rejected', reason: 'signer', transaction: { hint: undefined } })
  })
})
