import { describe, expect, it } from 'vitest'
import { asNodeId, type NodeId } from '../../../../src/reload/codec/index.ts'
import { AnswerCache } from '../../../../src/reload/transactions/answer-cache.ts'

function nodeId(value: number): NodeId {
  return asNodeId(new Uint8Array(16).fill(value))
}

const A = nodeId(1)
const B = nodeId(2)
const ANSWER = Uint8Array.of(1, 2, 3)

function cache(entries = 100, bytes = 1_000, entriesPerSigner = 50): AnswerCache {
  return new AnswerCache({ lifetimeMs: 15_000, limits: { entries, bytes, entriesPerSigner } })
}

describe('answers to repeated requests', () => {
  it('R6940-6.2.1-07 a repetition gets the same answer, for 15 s from the first time', () => {
    const answers = cache()
    expect(answers.admit(0, A, 7n)).toEqual({ kind: 'new' })
    answers.answered(10, A, 7n, ANSWER)
    expect(answers.admit(14_999, A, 7n)).toEqual({ kind: 'answered', signedPart: ANSWER })
    expect(answers.admit(15_000, A, 7n)).toEqual({ kind: 'new' })
  })

  it('R6940-6.2.1-07 while the first one is being processed a repetition is not processed again', () => {
    const answers = cache()
    answers.admit(0, A, 7n)
    expect(answers.admit(3_000, A, 7n)).toEqual({ kind: 'pending' })
    answers.forget(A, 7n)
    expect(answers.admit(3_001, A, 7n)).toEqual({ kind: 'new' })
  })

  it('R6940-6.2.1-07 keyed by signer and transaction id: others may use the same id', () => {
    const answers = cache()
    answers.admit(0, A, 7n)
    answers.answered(0, A, 7n, ANSWER)
    expect(answers.admit(1, B, 7n)).toEqual({ kind: 'new' })
    expect(answers.admit(1, A, 8n)).toEqual({ kind: 'new' })
  })

  it('keeps a copy, and the first answer', () => {
    const answers = cache()
    const bytes = ANSWER.slice()
    answers.admit(0, A, 7n)
    answers.answered(0, A, 7n, bytes)
    bytes[0] = 99
    answers.answered(0, A, 7n, bytes)
    expect(answers.admit(1, A, 7n)).toEqual({ kind: 'answered', signedPart: ANSWER })
    expect(answers.bytes).toBe(3)
  })

  it('an answer to something never admitted, or too late, is not kept', () => {
    const answers = cache()
    answers.answered(0, A, 7n, ANSWER)
    answers.admit(0, A, 8n)
    answers.answered(15_000, A, 8n, ANSWER)
    expect(answers.bytes).toBe(0)
  })

  it('is bounded by count: the oldest goes first', () => {
    const answers = cache(3)
    for (const id of [1n, 2n, 3n, 4n]) answers.admit(0, A, id)
    expect(answers.size).toBe(3)
    expect(answers.admit(0, A, 4n).kind).toBe('pending')
    expect(answers.admit(0, A, 1n).kind).toBe('new')
  })

  it('is bounded by bytes', () => {
    const answers = cache(100, 250)
    for (const id of [1n, 2n, 3n]) {
      answers.admit(0, A, id)
      answers.answered(0, A, id, new Uint8Array(100))
    }
    expect([answers.size, answers.bytes]).toEqual([2, 200])
    expect(answers.admit(0, A, 3n).kind).toBe('answered')
  })

  it('a flood of one signer costs nobody else a kept answer', () => {
    const answers = cache(100, 1_000, 5)
    answers.admit(0, B, 1n)
    answers.answered(0, B, 1n, ANSWER)
    for (let id = 0n; id < 1_000n; id++) expect(answers.admit(1, A, id).kind).toBe('new')
    expect(answers.size).toBe(6)
    expect(answers.admit(2, B, 1n).kind).toBe('answered')
  })

  it('forgets everything in time', () => {
    const answers = cache()
    for (let id = 0n; id < 20n; id++) {
      answers.admit(Number(id), A, id)
      answers.answered(Number(id), A, id, ANSWER)
    }
    answers.expire(15_009)
    expect([answers.size, answers.bytes]).toEqual([10, 30])
    answers.expire(20_000)
    expect([answers.size, answers.bytes]).toEqual([0, 0])
    // The room of the signer is free again as well.
    for (let id = 0n; id < 50n; id++) answers.admit(30_000, A, id)
    expect(answers.size).toBe(50)
  })
})
