import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/common/bytes.ts'
import type { TraceEvent } from '../../../../src/common/trace.ts'
import {
  enrollParts,
  writeMultipart,
  type Authority,
  type EnrollmentPolicy,
} from '../../../../src/enrollment/index.ts'
import {
  EnrollmentAccounts,
  EnrollmentDesk,
  hashPassword,
  parseEnrollmentAccounts,
  saveEnrollmentAccounts,
  type DeskAnswer,
  type EnrollmentAccount,
} from '../../../../src/enrollment/http/index.ts'
import {
  createAuthority,
  generateKey,
  makeCertificationRequest,
} from '../../../../src/enrollment/io/index.ts'

const OVERLAY = 'example.org'
const WALL = 1_800_000_000_000
const folder = mkdtempSync(join(tmpdir(), 'ringbridge-desk-'))
const file = join(folder, 'accounts.jsonl')
let account: EnrollmentAccount
beforeAll(async () => {
  account = { account: 'site', scrypt: await hashPassword('right'), names: [`*@${OVERLAY}`] }
  await saveEnrollmentAccounts(file, [account])
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Desk {
  readonly desk: EnrollmentDesk
  readonly traces: TraceEvent[]
  now: number
}

async function aDesk(
  change: { policy?: Partial<EnrollmentPolicy>; authority?: Partial<Authority> } = {},
): Promise<Desk> {
  const authority = { ...(await createAuthority(OVERLAY, WALL, change.policy)), ...change.authority }
  const traces: TraceEvent[] = []
  const at: Desk = {
    now: 0,
    traces,
    desk: new EnrollmentDesk({
      authority,
      accounts: new EnrollmentAccounts(file),
      trace: (event) => traces.push(event),
      clock: () => ({ ms: at.now, wall: WALL + at.now }),
    }),
  }
  return at
}

async function csr(userName = `alice@${OVERLAY}`): Promise<Uint8Array> {
  return makeCertificationRequest({ ...(await generateKey('ecdsa')), algorithm: 'ecdsa' }, userName)
}

interface Ask {
  readonly account?: string
  readonly password?: string
  readonly csr?: Uint8Array
  readonly nodeIds?: number
  readonly source?: string
}

async function ask({ desk }: Desk, what: Ask = {}): Promise<DeskAnswer> {
  const login = { account: what.account ?? 'site', password: what.password ?? 'right' }
  const parts = enrollParts(login, { csr: what.csr ?? utf8('junk'), nodeIds: what.nodeIds ?? 1 })
  return desk.serve({
    source: what.source ?? '192.0.2.1',
    contentType: 'multipart/form-data; boundary=b0f3a9c2',
    body: writeMultipart(parts, 'b0f3a9c2'),
  })
}

const shown = ({ status, body, retryAfterS }: DeskAnswer) => ({
  status,
  body: Buffer.from(body).toString(),
  ...(retryAfterS === undefined ? {} : { retryAfterS }),
})

describe('the enrollment desk', () => {
  it('R6940-11.3-12 R6940-11.3-14 the login comes first: without it the rest is not even looked at', async () => {
    const desk = await aDesk()
    const refused = { status: 403, body: 'failed_authentication' }
    expect(shown(await ask(desk, { password: 'wrong', nodeIds: 99 }))).toEqual(refused)
    expect(shown(await ask(desk, { account: 'nobody' }))).toEqual(refused)
    expect(shown(await ask(desk, { account: '' }))).toEqual(refused)
    expect(shown(await ask(desk))).toEqual({ status: 403, body: 'bad_CSR' })
  })

  it('S-70 an unknown account costs the same hash and the same tokens as a wrong password', async () => {
    const outcomes = async (guess: Ask): Promise<number[]> => {
      const desk = await aDesk()
      const statuses: number[] = []
      for (let i = 0; i < 22; i++)
        statuses.push((await ask(desk, { ...guess, password: `guess ${i}` })).status)
      return statuses
    }
    const wrong = await outcomes({})
    expect(wrong).toEqual([...Array.from({ length: 20 }, () => 403), 429, 429])
    expect(await outcomes({ account: 'nobody' })).toEqual(wrong)
  })

  it('S-70 guesses are limited by source and by account, with Retry-After; who is in stays in', async () => {
    const desk = await aDesk()
    expect((await ask(desk, { csr: await csr() })).status).toBe(200)
    // Side by side: all are counted before the first is answered.
    const guesses = Array.from({ length: 25 }, (_, i) =>
      ask(desk, { password: `x${i}`, source: `198.51.100.${i}` }),
    )
    const answers = (await Promise.all(guesses)).map(shown)
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(19)
    expect(answers.at(-1)).toEqual({ status: 429, body: 'too many requests', retryAfterS: 5 })
    expect((await ask(desk, { source: '203.0.113.1', password: 'right' })).status).toBe(403)
    expect((await ask(desk, { source: '203.0.113.1', csr: await csr() })).status).toBe(200)
    // A source that guesses is limited whatever account it tries.
    for (let i = 0; i < 20; i++) await ask(desk, { account: `a${i}`, source: '192.0.2.9' })
    expect(shown(await ask(desk, { account: 'other', source: '192.0.2.9' }))).toMatchObject({ status: 429 })
    desk.now += 2000
    expect((await ask(desk, { account: 'other', source: '192.0.2.9' })).status).toBe(403)
  })

  it('S-70 requests of one source are limited even with the right password', async () => {
    const desk = await aDesk()
    const statuses: number[] = []
    for (let i = 0; i < 205; i++) statuses.push((await ask(desk)).status)
    expect(statuses.slice(0, 200).every((status) => status === 403)).toBe(true)
    expect(statuses.slice(200).every((status) => status === 429)).toBe(true)
    expect(desk.desk.results.get('limited')).toBe(5)
  })

  it('a login that was right is asked for its hash again after ten minutes, and at once when the password changed', async () => {
    const desk = await aDesk()
    await ask(desk)
    desk.now = 599_000
    expect((await ask(desk, { csr: await csr() })).status).toBe(200)
    await saveEnrollmentAccounts(file, [{ ...account, scrypt: await hashPassword('new one') }])
    expect(shown(await ask(desk))).toEqual({ status: 403, body: 'failed_authentication' })
    await saveEnrollmentAccounts(file, [account])
    expect((await ask(desk, { csr: await csr() })).status).toBe(200)
  })

  it('R6940-11.3-13 R6940-11.3-20 names outside the account, illegal names, and a CSR that is not signed with its key', async () => {
    const desk = await aDesk()
    const name = async (userName: string) => shown(await ask(desk, { csr: await csr(userName) })).body
    expect(await name('alice@example.net')).toBe('username_not_available')
    expect(await name(`al ice@${OVERLAY}`)).toBe('username_not_available')
    expect(await name(`a"b@${OVERLAY}`)).toBe('username_not_available')
    const tampered = await csr()
    tampered[tampered.length - 1]! ^= 1
    expect(shown(await ask(desk, { csr: tampered })).body).toBe('bad_CSR')
  })

  it('R6940-11.3-09 R6940-11.3-18 several Node-IDs are all or none', async () => {
    const desk = await aDesk({ policy: { nodeIdsPerUserMax: 3 } })
    const request = await csr()
    expect((await ask(desk, { csr: request, nodeIds: 2 })).status).toBe(200)
    expect(shown(await ask(desk, { csr: await csr(), nodeIds: 2 })).body).toBe('Node-IDs_not_available')
    expect((await ask(desk, { csr: await csr(), nodeIds: 1 })).status).toBe(200)
    expect((await ask(desk, { csr: request, nodeIds: 2 })).status).toBe(200)
  })

  it('S-81 a form that is none is 400, a ledger that cannot be written 500, and neither says more', async () => {
    const full = await aDesk({ authority: { persist: () => Promise.reject(new Error('ENOSPC')) } })
    expect(shown(await ask(full, { csr: await csr() }))).toEqual({ status: 500, body: 'internal error' })
    expect(full.traces.at(-1)).toMatchObject({ level: 'error', event: 'enrollment_failed' })
    const malformed = await full.desk.serve({
      source: '192.0.2.1',
      contentType: 'multipart/form-data; boundary=x',
      body: utf8('y'),
    })
    expect(shown(malformed).status).toBe(400)
  })

  it('S-81 no line of the log holds a password or the name of an account that is not there', async () => {
    const desk = await aDesk()
    await ask(desk, { account: 'my-Secret-typed-here', password: 'p4ss' })
    await ask(desk, { csr: await csr() })
    const log = JSON.stringify(desk.traces)
    expect(desk.traces).toHaveLength(2)
    for (const secret of ['my-Secret-typed-here', 'p4ss', 'right', 'alice@'])
      expect(log).not.toContain(secret)
    expect(desk.traces[1]).toMatchObject({
      level: 'info',
      result: 'issued',
      account: 'site',
      source: '192.0.2.1',
    })
  })
})

describe('the accounts file of an enrollment server', () => {
  it('S-70 holds salted hashes only, for its owner only', async () => {
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain('right')
    expect((await hashPassword('right')).hash).not.toBe((await hashPassword('right')).hash)
  })

  it('a damaged line is named, and a running server keeps the accounts it has', async () => {
    const accounts = new EnrollmentAccounts(file)
    await accounts.refresh()
    const before = readFileSync(file)
    appendFileSync(file, '{"account":"x"}\n')
    await expect(accounts.refresh()).rejects.toThrow(`${file}:2: scrypt`)
    expect(accounts.find('site')).toBeDefined()
    writeFileSync(file, before)
    await accounts.refresh()
    expect(accounts.size).toBe(1)
  })

  it.each([
    ['no JSON', '{'],
    [
      'a cost that would take the memory',
      JSON.stringify({
        account: 'a',
        names: [],
        scrypt: { n: 2 ** 24, r: 8, p: 1, salt: '00'.repeat(16), hash: '00'.repeat(32) },
      }),
    ],
    [
      'a pattern for everybody',
      JSON.stringify({
        account: 'a',
        names: ['*'],
        scrypt: { n: 1024, r: 8, p: 1, salt: '00'.repeat(16), hash: '00'.repeat(32) },
      }),
    ],
    [
      'a blank in the name',
      JSON.stringify({
        account: 'a b',
        names: [],
        scrypt: { n: 1024, r: 8, p: 1, salt: '00'.repeat(16), hash: '00'.repeat(32) },
      }),
    ],
  ])('refuses %s', (_what, line) => {
    expect(() => parseEnrollmentAccounts(line, 'f')).toThrow('f:1:')
  })
})
