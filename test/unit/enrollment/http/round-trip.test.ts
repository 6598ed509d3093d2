import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signedDocument } from '../../../../src/app/trust/overlay-document.ts'
import { judgeDocument } from '../../../../src/enrollment/index.ts'
import { askHttps } from '../../../../src/enrollment/http/https-request.ts'
import { enroll, fetchDocument, type EnrollQuestion } from '../../../../src/enrollment/http/index.ts'
import { generateKey } from '../../../../src/enrollment/io/index.ts'
import { key } from '../../../../src/reload/codec/index.ts'
import { aWorld, crypto, OVERLAY, PASSWORD, random, type World } from '../../../support/enrollment-server.ts'

let world: World
beforeAll(async () => {
  world = await aWorld()
})
afterAll(() => world.close())

const https = () => ({ authorities: world.rootPem, overlayRoots: [] })

async function aQuestion(change: Partial<EnrollQuestion> = {}): Promise<EnrollQuestion> {
  const { pkcs8, publicKeyInfo } = await generateKey('ecdsa')
  return {
    login: { account: 'site-b', password: PASSWORD },
    userName: `bob@${OVERLAY}`,
    key: { pkcs8, publicKeyInfo, algorithm: 'ecdsa' },
    ...change,
  }
}

const ask = (question: EnrollQuestion, change: Partial<Parameters<typeof enroll>[0]> = {}) =>
  enroll(
    { places: [world.enrollPlace], https: https(), trust: world.trust, ...change },
    question,
    random,
    Date.now,
  )

describe('enrollment over HTTPS', () => {
  it('R6940-11.3-05 R6940-11.3-19 R6940-11.3-22 R6940-11.3-23 a node without credentials gets a certificate that holds', async () => {
    const question = await aQuestion()
    const got = await ask(question)
    if (!got.ok) throw new Error(got.error.reason)
    expect(got.value.userName).toBe(`bob@${OVERLAY}`)
    expect(got.value.nodeIds).toHaveLength(1)
    expect(got.value.publicKeyInfo).toEqual(question.key.publicKeyInfo)
    expect(new X509Certificate(got.value.der).subject).toBeUndefined()
  })

  it('R6940-11.3-18 the same key gets its Node-ID again, another key of the same user another one', async () => {
    const question = await aQuestion({ userName: `carol@${OVERLAY}` })
    const [first, again, other] = [
      await ask(question),
      await ask(question),
      await ask(await aQuestion({ userName: `carol@${OVERLAY}` })),
    ]
    if (!first.ok || !again.ok || !other.ok) throw new Error('denied')
    expect(again.value.nodeIds).toEqual(first.value.nodeIds)
    expect(key(other.value.nodeIds[0]!)).not.toBe(key(first.value.nodeIds[0]!))
  })

  it('R6940-11.3-09 R6940-11.3-14 nodeids: several Node-IDs within what the policy grants, the same ones at renewal', async () => {
    const question = await aQuestion({ userName: `dave@${OVERLAY}`, nodeIds: 3 })
    const [first, again] = [await ask(question), await ask(question)]
    if (!first.ok || !again.ok) throw new Error('denied')
    expect(new Set(first.value.nodeIds.map(key)).size).toBe(3)
    expect(again.value.nodeIds.map(key)).toEqual(first.value.nodeIds.map(key))
    expect(await ask({ ...question, nodeIds: 5 })).toMatchObject({
      error: { kind: 'denied', token: 'Node-IDs_not_available' },
    })
  })

  it('R6940-11.3-20 S-70 a foreign user name and a wrong password are refused with their tokens', async () => {
    const foreign = await aQuestion({ login: { account: 'alice', password: PASSWORD } })
    expect(await ask(foreign)).toMatchObject({ error: { token: 'username_not_available' } })
    const own = await aQuestion({
      login: { account: 'alice', password: PASSWORD },
      userName: `alice@${OVERLAY}`,
    })
    expect(await ask(own)).toMatchObject({ ok: true })
    const wrong = await aQuestion({ login: { account: 'alice', password: 'guess' } })
    expect(await ask(wrong)).toMatchObject({ error: { token: 'failed_authentication' } })
  })

  it('R6940-11.3-06 S-70 a server whose certificate is not for the overlay name hears no password', async () => {
    const other = await aWorld({ names: ['other.example', '127.0.0.1'] })
    try {
      const answer = await ask(await aQuestion(), {
        places: [other.enrollPlace],
        https: { authorities: other.rootPem, overlayRoots: [] },
      })
      expect(answer).toMatchObject({ error: { kind: 'unavailable' } })
      expect(JSON.stringify(answer)).toContain('does not match')
      expect(other.desk.results.get('issued')).toBe(0)
      expect(other.traces).toEqual([])
    } finally {
      await other.close()
    }
  })

  it('R6940-11.3-06 R6940-11.2-03 a server of an unknown authority hears nothing', async () => {
    const answer = await ask(await aQuestion(), { https: { authorities: undefined, overlayRoots: [] } })
    expect(answer).toMatchObject({ error: { kind: 'unavailable' } })
    const fetched = await fetchDocument(
      world.configPlace,
      undefined,
      { authorities: undefined, overlayRoots: [] },
      random,
    )
    expect(fetched.kind).toBe('failed')
    // The root-cert of a document that a person handed over is as good as a CA file.
    const byDocument = await ask(await aQuestion(), {
      https: { authorities: undefined, overlayRoots: [world.rootPem] },
    })
    expect(byDocument.ok).toBe(true)
  })

  it('S-70 S-81 the log names who got what and holds no password', () => {
    const text = JSON.stringify(world.traces)
    expect(text).toContain('"account":"site-b"')
    expect(text).not.toContain(PASSWORD)
    expect(text).not.toContain('guess')
    expect(text).not.toContain(`bob@${OVERLAY}`)
  })
})

describe('configuration over HTTPS', () => {
  const fetched = (etag?: string) => fetchDocument(world.configPlace, etag, https(), random)

  it('R6940-11.2-04 R6940-11.2-06 GET, then 304, then a new sequence', async () => {
    const first = await fetched()
    if (first.kind !== 'document') throw new Error(first.kind)
    expect(first.bytes).toEqual(new Uint8Array(readFileSync(world.documentPath)))
    expect(await fetched(first.etag)).toEqual({ kind: 'unchanged' })
    const question = { instanceName: OVERLAY, wall: Date.now() }
    const judged = judgeDocument(crypto, { ...question, bytes: first.bytes, current: undefined })
    if (judged.kind !== 'adopt') throw new Error(judged.kind)
    writeFileSync(
      world.documentPath,
      signedDocument(crypto, { ...world.configuration, sequence: 1 }, world.signer),
    )
    const second = await fetched(first.etag)
    if (second.kind !== 'document') throw new Error(second.kind)
    expect(judgeDocument(crypto, { ...question, bytes: second.bytes, current: judged.document }).kind).toBe(
      'adopt',
    )
  })

  it('R6940-14.16-01 is application/p2p-overlay+xml, and one with a shared secret is not handed out', async () => {
    const kept = readFileSync(world.documentPath)
    const ask = () =>
      askHttps(world.configPlace, { method: 'GET', headers: {}, answerBytesMax: 1e6 }, https(), random)
    try {
      expect((await ask()).headers['content-type']).toBe('application/p2p-overlay+xml')
      const secret = { ...world.configuration, sequence: 2, sharedSecret: 'admits everybody' }
      writeFileSync(world.documentPath, signedDocument(crypto, secret, world.signer))
      const refused = await ask()
      expect(refused.status).toBe(403)
      expect(Buffer.from(refused.body).toString()).not.toContain('admits everybody')
      expect(await fetched('"any"')).toMatchObject({ kind: 'failed' })
      expect(world.server.documentResults.get('confidential')).toBe(2)
    } finally {
      writeFileSync(world.documentPath, kept)
    }
  })

  it('R6940-11.2-03 the certificate must match the host of a provisioned URL, else the overlay name', async () => {
    const place = { ...world.configPlace, certificateName: 'somebody.example' }
    expect(await fetchDocument(place, undefined, https(), random)).toMatchObject({ kind: 'failed' })
    const byName = { ...world.configPlace, certificateName: OVERLAY }
    expect((await fetchDocument(byName, undefined, https(), random)).kind).toBe('document')
  })

  it('a server that is away is a failure with its address', async () => {
    const gone = await aWorld()
    await gone.close()
    expect(await fetchDocument(gone.configPlace, undefined, https(), random)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('ECONNREFUSED') as string,
    })
  })
})
