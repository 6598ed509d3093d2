import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/run.ts'
import { terminal } from '../../support/terminal.ts'
import { parseConfiguration } from '../../../src/reload/config/index.ts'

const shown = terminal()

/** What `overlay init` or an operator has made. */
const found = (): void => mkdirSync(join(shown.folder, 'authority'))
const accounts = (...args: string[]) =>
  main(['overlay', 'accounts', ...args, '--authority', join(shown.folder, 'authority'), '--json'])
const said = (): unknown => JSON.parse(shown.out.pop() ?? '')

describe('ringbridge overlay', () => {
  it('accounts that are added at the same time are all there', async () => {
    found()
    const names = ['one', 'two', 'three', 'four']
    expect(await Promise.all(names.map((name) => accounts('add', name)))).toEqual([0, 0, 0, 0])
    const file = join(shown.folder, 'authority', 'accounts.jsonl')
    const there = readFileSync(file, 'utf8').trim().split('\n')
    expect(there.map((line) => (JSON.parse(line) as { account: string }).account).sort()).toEqual(
      names.sort(),
    )
  })

  it('S-70 accounts add, list, remove: a password is made up and shown once, the file holds its hash', async () => {
    found()
    expect(await accounts('add', 'site-b', '--names', '*@example.org, gate@example.net')).toBe(0)
    const { password } = said() as { password: string }
    expect(password).toMatch(/^[a-z0-9]{16}$/)
    const file = join(shown.folder, 'authority', 'accounts.jsonl')
    expect(readFileSync(file, 'utf8')).not.toContain(password)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    writeFileSync(join(shown.folder, 'pw'), 'chosen\n')
    expect(await accounts('add', 'alice@example.org', '--password-file', join(shown.folder, 'pw'))).toBe(0)
    expect(said()).toEqual({ added: 'alice@example.org', names: [] })
    expect(await accounts('add', 'alice@example.org', '--password-file', join(shown.folder, 'pw'))).toBe(0)
    expect(said()).toMatchObject({ changed: 'alice@example.org' })
    expect(await accounts('list')).toBe(0)
    expect(said()).toEqual([
      { account: 'site-b', names: ['*@example.org', 'gate@example.net'] },
      { account: 'alice@example.org', names: [] },
    ])
    expect(await accounts('remove', 'site-b')).toBe(0)
    expect(await accounts('remove', 'site-b')).toBe(2)
  })

  it.each([
    [['add']],
    [['add', 'a b']],
    [['add', 'a', '--names', '*']],
    [['add', 'a', '--names', 'x@*.org']],
    [['add', 'a', '--password-file', '/does/not/exist']],
    [['dance']],
    [['add', 'a', 'b']],
    [['list']],
    [['remove', 'a']],
    // A slip of the pen was a folder with an account in it, and a password that no server knew.
    [['add', 'a']],
  ])('accounts %j is refused in one line', async (args) => {
    expect(await accounts(...args)).toBe(2)
    expect(shown.err.join('').trim().split('\n')).toHaveLength(1)
    expect(existsSync(join(shown.folder, 'authority'))).toBe(false)
  })

  it('init and sign write enrollment servers, self-signed and the end of the document', async () => {
    const authority = join(shown.folder, 'authority')
    const options = ['--authority', authority, '--json']
    const document = () => {
      const parsed = parseConfiguration(readFileSync(join(authority, 'configuration.xml')), 'example.org')
      if (!parsed.ok) throw new Error(parsed.error.reason)
      return parsed.value.configuration
    }
    const url = 'https://ca.example.org:8443/enroll'
    expect(await main(['overlay', 'init', 'example.org', '--enrollment', url, ...options])).toBe(0)
    expect(said()).toMatchObject({ ca: join(authority, 'root-ca.pem') })
    expect(readFileSync(join(authority, 'root-ca.pem'), 'utf8')).toContain('BEGIN CERTIFICATE')
    expect(document()).toMatchObject({
      enrollmentServers: [url],
      selfSigned: undefined,
      expiration: undefined,
    })
    const change = ['--self-signed', 'sha256', '--expires', '30']
    expect(await main(['overlay', 'sign', 'example.org', ...change, ...options])).toBe(0)
    expect(document()).toMatchObject({ sequence: 1, enrollmentServers: [url], selfSigned: 'sha256' })
    expect(document().expiration).toBeGreaterThan(Date.now())
    for (const bad of [
      ['--enrollment', 'http://ca.example.org/'],
      ['--self-signed', 'md5'],
      ['--expires', '0'],
    ])
      expect(await main(['overlay', 'sign', 'example.org', ...bad, ...options]), bad.join(' ')).toBe(2)
  })

  it('sign in a folder without the signer is refused and leaves it as it is', async () => {
    const authority = join(shown.folder, 'authority')
    expect(await main(['overlay', 'init', 'example.org', '--authority', authority])).toBe(0)
    for (const lost of ['signer', 'root.pem', 'root.der']) {
      rmSync(join(authority, lost), { recursive: true })
      const before = readdirSync(authority)
      expect(await main(['overlay', 'sign', 'example.org', '--authority', authority])).toBe(2)
      expect(shown.err.pop()).toContain('its signer is missing')
      expect(readdirSync(authority)).toEqual(before)
    }
  })

  it('serve without an authority and enroll without a place are refused', async () => {
    expect(await main(['overlay', 'serve', 'example.org', '--authority', join(shown.folder, 'none')])).toBe(2)
    expect(shown.err.pop()).toContain('overlay init')
    expect(await main(['enroll', 'example.org', '--data', shown.folder])).toBe(2)
    expect(shown.err.pop()).toContain('--account')
  })
})
