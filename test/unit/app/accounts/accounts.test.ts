import { createHash } from 'node:crypto'
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AccountBook } from '../../../../src/app/accounts/account-book.ts'
import {
  changeAccounts,
  loadAccounts,
  parseAccounts,
  saveAccounts,
  type AccountEntry,
} from '../../../../src/app/accounts/account-file.ts'
import { newAccount } from '../../../../src/app/accounts/new-account.ts'
import { ConfigError } from '../../../../src/app/config/fault.ts'
import { HostedAccounts } from '../../../../src/app/hosted-accounts.ts'
import { NO_TRACE } from '../../../../src/common/trace.ts'

const REALM = 'dht.example.com'
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-accounts-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('accounts file', () => {
  it('a file that root writes for a node of another user stays that user’s', () => {
    const file = join(folder, 'owned.jsonl')
    writeFileSync(file, '', { mode: 0o600 })
    if (process.geteuid?.() === 0) chownSync(file, 65_532, 65_532)
    const { uid, gid } = statSync(file)
    saveAccounts(file, [newAccount('alice', REALM, 'pw')])
    expect(statSync(file)).toMatchObject({ uid, gid })
    // The first file of a folder gets the folder's owner.
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs)
    if (process.geteuid?.() === 0) chownSync(theirs, 65_532, 65_532)
    saveAccounts(join(theirs, 'users.jsonl'), [newAccount('alice', REALM, 'pw')])
    expect(statSync(join(theirs, 'users.jsonl')).uid).toBe(statSync(theirs).uid)
  })

  it.each(['users.jsonl', 'users.yaml'])('%s: written and read again, hashes only, mode 0600', (name) => {
    const file = join(folder, name)
    writeFileSync(file, 'old and readable', { mode: 0o644 })
    const entries = [
      newAccount('alice', REALM, 'wonder land'),
      { ...newAccount('bob', REALM, 'b'), aors: ['bob@dht.example.com'] },
    ]
    saveAccounts(file, entries)
    expect(loadAccounts(file)).toEqual(entries)
    expect(readFileSync(file, 'utf8')).not.toContain('wonder')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('hashes as RFC 7616 s.3.4.2 says', () => {
    // The example of RFC 7616 s.3.9.1.
    const { ha1 } = newAccount('Mufasa', 'http-auth@example.org', 'Circle of Life')
    expect(ha1).toEqual({
      MD5: '3d78807defe7de2157e2b0b6573a855f',
      'SHA-256': '7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232',
      'SHA-512-256': createHash('sha512-256')
        .update('Mufasa:http-auth@example.org:Circle of Life')
        .digest('hex'),
    })
  })

  it('S8760-2.3-01 files of earlier versions, without SHA-512-256, are read; who lacks what is offered is counted in the log', () => {
    const file = join(folder, 'old.jsonl')
    const { ha1, username, realm } = newAccount('alice', REALM, 'x')
    writeFileSync(
      file,
      `${JSON.stringify({ username, realm, ha1: { MD5: ha1.MD5, 'SHA-256': ha1['SHA-256'] } })}\n`,
    )
    const events: object[] = []
    const accounts = new HostedAccounts({
      file,
      realm: REALM,
      trace: (event) => events.push(event),
      algorithms: ['SHA-512-256', 'MD5'],
    })
    expect(accounts.open()).toBe(true)
    expect([...(accounts.book.byUsername('alice')?.ha1.keys() ?? [])]).toEqual(['MD5', 'SHA-256'])
    expect(events).toContainEqual({
      level: 'warn',
      area: 'app',
      event: 'accounts_without_hash',
      algorithm: 'SHA-512-256',
      accounts: 1,
    })
    expect(accounts.add('bob', 'y').ok).toBe(true)
    expect(loadAccounts(file).map((entry) => entry.ha1['SHA-512-256'])).toEqual([
      undefined,
      expect.any(String),
    ])
  })

  it('most accounts gone at once are told in the log, a few are not: the file may have been saved by halves', () => {
    const file = join(folder, 'halves.jsonl')
    const three = ['alice', 'bob', 'carol'].map((name) => newAccount(name, REALM, 'x'))
    saveAccounts(file, three)
    const events: object[] = []
    const accounts = new HostedAccounts({ file, realm: REALM, trace: (event) => events.push(event) })
    accounts.open()
    saveAccounts(file, three.slice(1))
    accounts.reload()
    const told = () => events.filter((event) => 'gone' in event)
    expect(told()).toEqual([])
    writeFileSync(file, '')
    accounts.reload()
    expect(told()).toEqual([{ level: 'warn', area: 'app', event: 'most_accounts_gone', gone: 2, before: 2 }])
  })

  it('S7616-3.4-01 an account is found by its name with the realm behind it, too: its hash is a second one, which older files lack', () => {
    const [book, hash] = [
      new AccountBook(REALM),
      createHash('md5').update(`alice@${REALM}:${REALM}:x`).digest('hex'),
    ]
    const account = newAccount('alice', REALM, 'x')
    const older = { username: 'bob', realm: REALM, ha1: account.ha1 }
    book.replace(parseAccounts([account, older].map((each) => JSON.stringify(each)).join('\n'), 'f'), 'f')
    expect(book.byUsername('alice')?.ha1.get('MD5@')).toBe(hash)
    expect([...(book.byUsername('bob')?.ha1.keys() ?? [])].sort()).toEqual(['MD5', 'SHA-256', 'SHA-512-256'])
  })

  it('S7616-3.4-01 hashed names are found where they are offered', () => {
    const hash = createHash('sha256').update(`alice:${REALM}`).digest('hex')
    const plain = new AccountBook(REALM)
    const hidden = new AccountBook(REALM, { userHash: true })
    for (const book of [plain, hidden]) book.replace([newAccount('alice', REALM, 'x')], 'f')
    expect(plain.byUserHash(hash)).toBeUndefined()
    expect(hidden.byUserHash(hash)?.username).toBe('alice')
    hidden.replace([], 'f')
    expect(hidden.byUserHash(hash)).toBeUndefined()
  })

  it.each([
    ['{"username":"a"}', /users\.jsonl:1: realm/],
    ['\n{', /users\.jsonl:2: not JSON/],
    [`{"username":"a:b","realm":"r","ha1":{"MD5":"${'0'.repeat(32)}"}}`, /:1: username: has to be/],
    ['{"username":"a","realm":"r","ha1":{"MD5":"xyz"}}', /:1: ha1\.MD5: has to be 32 hex digits/],
    ['{"username":"a","realm":"r","ha1":{}}', /:1: ha1: needs MD5, SHA-256 or SHA-512-256/],
    [`{"username":"a","realm":"r","password":"p","ha1":{"MD5":"${'0'.repeat(32)}"}}`, /:1: .*password/],
    [
      `{"username":"a","realm":"r","ha1":{"MD5":"${'0'.repeat(32)}"}}\n`.repeat(2),
      /:2: account "a" stands here twice/,
    ],
  ])('refuses %j with the line', (text, expected) => {
    expect(() => parseAccounts(text, 'users.jsonl')).toThrow(expected)
  })

  it('refuses YAML that is no list, with the place', () => {
    expect(() => parseAccounts('a: 1', 'users.yaml')).toThrow('users.yaml:1: a list of accounts is expected')
    expect(() => parseAccounts('- username: a\n- realm: b', 'users.yaml')).toThrow(/users\.yaml:1: realm/)
    expect(parseAccounts('', 'users.yaml')).toEqual([])
    // What the parser leaves to whoever asks for the values: a fault of the file all the same, not of the node.
    expect(() => parseAccounts('- username: a\n- *b', 'users.yaml')).toThrow(
      new ConfigError('users.yaml:2:3: not valid YAML: "*b" stands for nothing; "&b" has to come before it'),
    )
  })
})

describe('accounts in memory', () => {
  it('are found by name and by the AOR they own', () => {
    const book = new AccountBook(REALM)
    book.replace(
      [
        newAccount('alice', REALM, 'x'),
        {
          ...newAccount('bob', REALM, 'y'),
          aors: ['sip:robert@DHT.example.com', 'b2@dht.example.com'],
          delegates: ['alice@dht.example.com'],
        },
      ],
      'f',
    )
    expect(book.byUsername('alice')?.aors).toEqual(['alice@dht.example.com'])
    expect(book.byAor('robert@dht.example.com')?.username).toBe('bob')
    expect(book.byUsername('bob')).toMatchObject({
      aors: ['robert@dht.example.com', 'b2@dht.example.com'],
      delegates: ['alice@dht.example.com'],
    })
    expect(book.byUsername('__proto__')).toBeUndefined()
    expect(book.aors()).toEqual(['alice@dht.example.com', 'robert@dht.example.com'])
  })

  it('S-AU-02 the configuration gives an account further AORs, delegates and rights', () => {
    const book = new AccountBook(REALM, {
      rules: [
        { aor: 'desk@dht.example.com', account: 'alice', delegates: ['bob@dht.example.com'] },
        { aor: 'alice@dht.example.com', account: 'alice', delegates: [], mayCallOutside: false },
        { aor: 'x@dht.example.com', account: 'gone', delegates: [] },
      ],
    })
    book.replace(
      [newAccount('alice', REALM, 'x'), { ...newAccount('bob', REALM, 'y'), mayCallOutside: true }],
      'f',
    )
    expect(book.byUsername('alice')).toMatchObject({
      aors: ['alice@dht.example.com', 'desk@dht.example.com'],
      delegates: ['bob@dht.example.com'],
      mayCallOutside: false,
    })
    expect(book.byUsername('bob')?.mayCallOutside).toBe(true)
    expect(book.byAor('desk@dht.example.com')?.username).toBe('alice')
    expect(book.aors()).toEqual(['alice@dht.example.com', 'desk@dht.example.com', 'bob@dht.example.com'])
    expect(book.missing()).toEqual(['gone'])
    const clash = [newAccount('alice', REALM, 'x'), newAccount('desk', REALM, 'y')]
    expect(() => book.replace(clash, 'f')).toThrow(/both own desk@dht\.example\.com/)
  })

  it('a list with a fault changes nothing', () => {
    const book = new AccountBook(REALM)
    book.replace([newAccount('alice', REALM, 'x')], 'f')
    expect(() => book.replace([newAccount('bob', 'other.example', 'x')], 'f')).toThrow(
      /realm "other\.example"/,
    )
    const twice = [
      newAccount('a', REALM, 'x'),
      { ...newAccount('b', REALM, 'x'), aors: ['a@dht.example.com'] },
    ]
    expect(() => book.replace(twice, 'f')).toThrow(/both own a@dht\.example\.com/)
    expect(book.aors()).toEqual(['alice@dht.example.com'])
  })
})

describe('accounts of a node', () => {
  it('a first start makes two samples; a second one finds them and shows no password', () => {
    const init = { file: join(folder, 'users.jsonl'), realm: REALM, trace: NO_TRACE }
    const first = new HostedAccounts(init)
    expect(first.open()).toBe(false)
    const fresh = first.found(true)
    expect(fresh.map(({ username }) => username)).toEqual(['alice', 'bob'])
    const again = new HostedAccounts(init)
    expect(again.open()).toBe(true)
    const [alice] = fresh
    expect(again.book.byUsername('alice')?.ha1.get('MD5')).toBe(
      newAccount('alice', REALM, alice?.password ?? '').ha1.MD5,
    )
  })

  it('a node that joins begins without accounts, and takes those that are added', () => {
    const init = { file: join(folder, 'joined.jsonl'), realm: REALM, trace: NO_TRACE }
    const accounts = new HostedAccounts(init)
    expect(accounts.open()).toBe(false)
    expect(accounts.found(false)).toEqual([])
    expect(accounts.book.size).toBe(0)
    accounts.reload()
    expect(accounts.add('carol', 'x')).toMatchObject({ ok: true })
  })

  it('adds and removes, on disk and in memory, and reloads what others wrote', () => {
    const init = { file: join(folder, 'users.jsonl'), realm: REALM, trace: NO_TRACE }
    const accounts = new HostedAccounts(init)
    accounts.found(true)
    expect(accounts.add('carol', 'x')).toEqual({ ok: true, username: 'carol' })
    expect(accounts.add('carol', 'x')).toMatchObject({ ok: false, status: 409 })
    for (const name of ['a b', 'a\u0000b', '%61lice', 'a%zz'])
      expect(accounts.add(name, 'x'), name).toMatchObject({ ok: false, status: 400 })
    expect(accounts.setPassword('carol', 'y')).toEqual({ ok: true, username: 'carol' })
    expect(accounts.book.byUsername('carol')?.ha1.get('MD5')).toBe(newAccount('carol', REALM, 'y').ha1.MD5)
    expect(accounts.setPassword('nobody', 'y')).toMatchObject({ ok: false, status: 404 })
    expect(accounts.remove('alice')).toEqual({ ok: true, username: 'alice' })
    expect(accounts.remove('alice')).toMatchObject({ ok: false, status: 404 })
    expect(loadAccounts(init.file).map(({ username }) => username)).toEqual(['bob', 'carol'])
    expect(accounts.hosted()).toEqual({
      kind: 'hostedUsers',
      aors: ['bob@dht.example.com', 'carol@dht.example.com'],
    })
    saveAccounts(init.file, [{ ...newAccount('front', REALM, 'x'), aors: ['desk@dht.example.com'] }])
    accounts.reload()
    expect(accounts.add('desk', 'x')).toMatchObject({ ok: false, status: 409 })
    expect(accounts.add('bob', 'x')).toMatchObject({ ok: true })
    writeFileSync(init.file, 'nonsense')
    expect(() => accounts.reload()).toThrow(/users\.jsonl:1/)
    expect(accounts.add('late', 'x')).toEqual({
      ok: false,
      status: 503,
      reason: expect.stringMatching(/users\.jsonl:1: not JSON/),
    })
    expect(readFileSync(init.file, 'utf8')).toBe('nonsense')
    expect(accounts.book.aors()).toHaveLength(2)
  })

  it('S-80 a change over the API goes on from what others wrote: who was removed stays so, who was added is there', () => {
    const init = { file: join(folder, 'both.jsonl'), realm: REALM, trace: NO_TRACE }
    const accounts = new HostedAccounts(init)
    accounts.found(true)
    // As `ringbridge users` does, before SIGHUP.
    changeAccounts(init.file, (entries) => [
      ...entries.filter(({ username }) => username !== 'alice'),
      newAccount('zoe', REALM, 'x'),
    ])
    expect(accounts.add('zoe', 'y')).toMatchObject({ ok: false, status: 409 })
    expect(accounts.book.byUsername('alice')).toBeDefined()
    expect(accounts.add('api', 'x')).toMatchObject({ ok: true })
    expect(loadAccounts(init.file).map(({ username }) => username)).toEqual(['bob', 'zoe', 'api'])
    expect(accounts.book.byUsername('alice')).toBeUndefined()
    rmSync(init.file)
    expect(accounts.remove('bob')).toMatchObject({ ok: true })
    expect(loadAccounts(init.file).map(({ username }) => username)).toEqual(['zoe', 'api'])
  })

  it('S-80 a change over the API is refused while the file is empty, as in the middle of being saved; most that are gone are told', () => {
    const events: object[] = []
    const file = join(folder, 'emptied.jsonl')
    const accounts = new HostedAccounts({ file, realm: REALM, trace: (event) => events.push(event) })
    accounts.found(true)
    const saved = readFileSync(file, 'utf8')
    writeFileSync(file, '')
    const refused = { ok: false, status: 503, reason: expect.stringContaining('of 2 here; if that is meant') }
    expect(accounts.add('carol', 'x')).toEqual(refused)
    expect(accounts.remove('bob')).toEqual(refused)
    expect(readFileSync(file, 'utf8')).toBe('')
    expect(accounts.book.aors()).toHaveLength(2)
    writeFileSync(file, saved)
    expect(accounts.add('carol', 'x')).toMatchObject({ ok: true })
    expect(loadAccounts(file).map(({ username }) => username)).toEqual(['alice', 'bob', 'carol'])
    // The same when a part of it is there: that may be what somebody wants.
    const told = () => events.filter((event) => 'gone' in event)
    expect(told()).toEqual([])
    changeAccounts(file, ([first]) => (first === undefined ? [] : [first]))
    expect(accounts.add('dave', 'x')).toMatchObject({ ok: true })
    expect(told()).toEqual([{ level: 'warn', area: 'app', event: 'most_accounts_gone', gone: 2, before: 3 }])
    // Who has them removed one after the other means it, and SIGHUP does, too.
    for (const name of ['alice', 'dave']) expect(accounts.remove(name)).toMatchObject({ ok: true })
    expect(told()).toHaveLength(1)
    expect(accounts.add('erin', 'x')).toMatchObject({ ok: true })
    writeFileSync(file, '')
    accounts.reload()
    expect(accounts.add('frank', 'x')).toMatchObject({ ok: true })
  })

  it('a folder that has become something else is refused with its name, and nothing has changed', () => {
    const inner = join(folder, 'inner')
    const accounts = new HostedAccounts({ file: join(inner, 'users.jsonl'), realm: REALM, trace: NO_TRACE })
    accounts.found(true)
    rmSync(inner, { recursive: true })
    writeFileSync(inner, '')
    const file = join(inner, 'users.jsonl')
    // Node 24 calls such a file not there, and finds out when it is to be written.
    const how = accounts.add('late', 'x')
    expect([`${file}: cannot be read (ENOTDIR)`, `${file}: cannot be written (ENOTDIR)`]).toContain(
      how.ok ? '' : how.reason,
    )
    expect(how).toMatchObject({ ok: false, status: 503 })
    expect(accounts.book.aors()).toHaveLength(2)
  })

  it('who writes at the same time loses nothing: the later one begins anew', () => {
    const file = join(folder, 'racing.jsonl')
    saveAccounts(file, [])
    let asked = 0
    const add = (name: string) => (entries: readonly AccountEntry[]) => [
      ...entries,
      newAccount(name, REALM, 'x'),
    ]
    changeAccounts(file, (entries) => {
      if (asked++ === 0) changeAccounts(file, add('quicker'))
      return add('slower')(entries)
    })
    expect(asked).toBe(2)
    expect(loadAccounts(file).map(({ username }) => username)).toEqual(['quicker', 'slower'])
    expect(readdirSync(folder).filter((name) => name.includes('racing'))).toEqual(['racing.jsonl'])
  })
})
