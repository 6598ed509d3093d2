import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { AccountBook } from '../../../src/app/accounts/account-book.ts'
import { loadAccounts, saveAccounts } from '../../../src/app/accounts/account-file.ts'
import { newAccount } from '../../../src/app/accounts/new-account.ts'
import { main } from '../../../src/cli/run.ts'
import { terminal } from '../../support/terminal.ts'

const shown = terminal()

describe('command line', () => {
  it('--help lists every command, and every command has help of its own', async () => {
    expect(await main(['--help'])).toBe(0)
    const names = [...shown.out.join('').matchAll(/^ {2}([a-z-]+) {2,}/gm)].map((match) => match[1] ?? '')
    expect(names).toEqual([
      'start',
      'testbed',
      'overlay',
      'users',
      'enroll',
      'locate',
      'ring',
      'ping',
      'path',
      'trace',
      'dump',
      'phone',
      'sim',
      'check-config',
      'print-dns',
      'phone-config',
      'health',
    ])
    for (const name of names) {
      shown.out = []
      expect(await main([name, '--help']), name).toBe(0)
      expect(shown.out.join(''), name).toMatch(new RegExp(`^ringbridge ${name}`))
    }
  })

  it('users: what is refused leaves no folder behind', async () => {
    const at = ['--config', join(shown.folder, 'node.yaml')]
    writeFileSync(join(shown.folder, 'node.yaml'), `data: { dir: ${join(shown.folder, 'new')} }`)
    const refused = [
      ['remove', 'x'],
      ['add', 'b ad'],
      ['import', join(shown.folder, 'missing.csv')],
    ]
    for (const args of refused) expect(await main(['users', ...args, ...at]), args.join(' ')).toBe(2)
    expect(existsSync(join(shown.folder, 'new'))).toBe(false)
    expect(await main(['users', 'add', 'x', ...at])).toBe(0)
  })

  it('--version and version say which one it is', async () => {
    for (const word of ['--version', '-V', 'version']) {
      shown.out = []
      expect(await main([word]), word).toBe(0)
      expect(shown.out.join(''), word).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
    }
  })

  it.each([
    [[]],
    [['nonsense']],
    [['start', '--nonsense']],
    [['start', 'extra']],
    [['start', '--config', '/does/not/exist.yaml']],
    [['testbed']],
    [['testbed', '--peers', '0']],
    [['testbed', '--peers', '2', '--auth', 'maybe']],
    [['testbed', '--peers', '2', '--redirect', '2']],
    [['testbed', '--peers', '2', '--redirect', '0,1']],
    [['dump', 'zz']],
    [['dump']],
    [['phone', 'dance', 'a@b']],
    [['phone', 'call', 'nobody']],
    [['ping', 'zz']],
    [['locate']],
    [['check-config']],
    [['overlay', 'init']],
    [['overlay', 'init', 'dht.example.com', '--bootstrap', 'name.example.com']],
    [['users', 'frob']],
    [['users', 'list', 'alice']],
    [['users', 'list', '--users', '/does/not/exist.jsonl']],
    [['enroll']],
    [['enroll', 'dht.example.com', '--account', 'site', '--password-file', '/does/not/exist']],
    [['users', 'add', 'alice', 'bob']],
    [['users', 'add', 'alice', '--password', '']],
    [['overlay', 'accounts', 'list', 'alice']],
    [['overlay', 'accounts', 'list', '--authority', '/does/not/exist']],
    [['users', 'remove']],
    [['phone', 'register', 'alice@example.com', 'bob']],
    [['phone', 'message', 'alice@example.com', 'bob', 'two', 'words']],
  ])('%j is bad usage: one line, exit code 2', async (args) => {
    expect(await main(args)).toBe(2)
    if (args.length > 0) expect(shown.err.join('').trimEnd().split('\n')).toHaveLength(1)
  })

  it.each([
    [['enroll', 'example.org'], '--account: needed to enroll over https'],
    [['enroll', 'example.org', '--account', 'site'], '--password-file: needed to enroll over https'],
    [
      ['enroll', 'example.org', '--configuration', 'http://example.org/'],
      '--configuration: http is not safe',
    ],
    [['enroll', '--configuration', 'https://example.org/'], 'NAME: needed when the document comes from'],
    [['users', 'remove'], 'the NAME of an account is expected'],
  ])('%j is told what is missing in the words of its command', async (args, words) => {
    expect(await main(args)).toBe(2)
    expect(shown.err.join('')).toMatch(new RegExp(`^ringbridge: ${words}`))
  })

  it('check-config validates, shows the effective configuration without secrets, prints the schema', async () => {
    const file = join(shown.folder, 'node.yaml')
    writeFileSync(file, 'sip: { maxForks: 3 }\nadmin: { token: hush }\n')
    expect(await main(['check-config', file])).toBe(0)
    expect(shown.out.join('')).toContain('good')
    shown.out = []
    expect(await main(['check-config', file, '--json'])).toBe(0)
    expect(JSON.parse(shown.out.join(''))).toMatchObject({
      sip: { maxForks: 3 },
      admin: { token: '[private]' },
    })
    expect(shown.out.join('')).not.toContain('hush')
    shown.out = []
    expect(await main(['check-config', '--schema'])).toBe(0)
    expect(JSON.parse(shown.out.join(''))).toMatchObject({ title: 'Ringbridge configuration' })
    writeFileSync(file, 'sip: { maxForcks: 3 }')
    expect(await main(['check-config', file])).toBe(2)
    expect(shown.err.join('')).toMatch(
      /node\.yaml:1:\d+: unknown key "sip\.maxForcks"; did you mean "maxForks"\?/,
    )
  })

  it('S3261-18-01 a UDP listener without its TCP twin gets one; what is wrong in a list is named with its place', async () => {
    const file = join(shown.folder, 'node.yaml')
    const udp = ['udp://127.0.0.1:5070', 'udp://[::1]:5070', 'udp://127.0.0.1']
    const given = [...udp, 'tcp://127.0.0.1:5060', 'ws://127.0.0.1:5066']
    writeFileSync(file, `sip: { listen: ${JSON.stringify(given)} }`)
    expect(await main(['check-config', file, '--json'])).toBe(0)
    expect(JSON.parse(shown.out.join(''))).toMatchObject({
      sip: {
        listen: [
          'udp://127.0.0.1:5070',
          'tcp://127.0.0.1:5070',
          'udp://[::1]:5070',
          'tcp://[::1]:5070',
          'udp://127.0.0.1',
          'tcp://127.0.0.1:5060',
          'ws://127.0.0.1:5066',
        ],
      },
    })
    writeFileSync(file, 'sip: { listen: ["udp//127.0.0.1"] }')
    expect(await main(['check-config', file])).toBe(2)
    expect(shown.err.join('')).toContain('node.yaml:1:8: "sip.listen": "udp//127.0.0.1" is not scheme')
    shown.err = []
    writeFileSync(file, 'sip:\n  roles: [registar]\nquxquux: 1\n')
    expect(await main(['check-config', file])).toBe(2)
    expect(shown.err.join('')).toContain(
      ':2:11: "sip.roles.0": allowed: registrar, proxy, redirect, not "registar"; did you mean',
    )
    expect(shown.err.join('')).toMatch(/:3:1: unknown key "quxquux"; allowed here: overlay, sip/)
  })

  it('a bootstrap name without an address is a warning, not a fault', async () => {
    const file = join(shown.folder, 'node.yaml')
    writeFileSync(file, 'overlay: { authority: ./a, bootstrap: [no-such-host.invalid, "192.0.2.1:6084"] }')
    expect(await main(['check-config', file])).toBe(0)
    expect(shown.err.join('')).toMatch(
      /^ringbridge: warning: "overlay.bootstrap": "no-such-host\.invalid" has no address now.*\n$/,
    )
  })

  it('dump --json is one object; what breaks off is shown and ends in exit code 1', async () => {
    expect(await main(['dump', '--json', 'd2454c4f'])).toBe(1)
    expect(JSON.parse(shown.out.join(''))).toMatchObject({ kind: 'reload', whole: false })
    expect(shown.out.join('')).toContain('not readable')
    for (const cut of ['000100002112a442', '494e5649544520736970 3a61406220 5349502f322e300d0a'])
      expect(await main(['dump', cut]), cut).toBe(1)
    shown.out = []
    // An acknowledgement of a link, twice: an object each.
    expect(await main(['dump', '--json', '8100000007ff0000018100000008ff000001'])).toBe(0)
    const objects = shown.out.join('').trim().split('\n')
    expect(objects.map((line) => (JSON.parse(line) as { whole: boolean }).whole)).toEqual([true, true])
  })

  it('a wrong option or verb is named with the one that was probably meant', async () => {
    expect(await main(['testbed', '--peeers', '3'])).toBe(2)
    expect(shown.err.join('')).toBe(
      'ringbridge: unknown option --peeers; did you mean --peers? --help shows what they do\n',
    )
    for (const command of ['ring', 'ping', 'locate']) {
      shown.err = []
      expect(await main([command, '--node', 'http://127.0.0.1:1', 'x'])).toBe(2)
      expect(shown.err.join('')).toContain('unknown option --node; did you mean --admin?')
    }
    shown.err = []
    expect(await main(['dump', '--frobnicate', 'x'])).toBe(2)
    expect(shown.err.join('')).toContain('unknown option --frobnicate; there are --json; --help')
    for (const [args, expected] of [
      [['--users', '-1'], /^ringbridge: --users: a whole number from 0 to \d+ is expected, not "-1"\n$/],
      [['--users'], /^ringbridge: --users: a value is expected/],
      [['--users', '--json'], /^ringbridge: --users: a value is expected/],
      [['--json=yes'], /^ringbridge: --json: takes no value\n$/],
      [['--roles', 'proxy'], /^ringbridge: --roles: allowed: \[registrar, proxy\].*not \[proxy\]\n$/],
    ] as const) {
      shown.err = []
      expect(await main(['testbed', '--peers', '1', ...args]), args.join(' ')).toBe(2)
      expect(shown.err.join('')).toMatch(expected)
    }
    shown.err = []
    expect(await main(['users'])).toBe(2)
    expect(shown.err.join('')).toBe(
      'ringbridge: users says nothing without a verb; allowed: add, password, list, remove, import\n',
    )
  })

  it('a testbed whose ports are taken is one line that names --base-port, and leaves nothing behind', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    try {
      const data = join(shown.folder, 'testbed')
      expect(await main(['testbed', '--peers', '1', '--base-port', String(port), '--data', data])).toBe(2)
      expect(shown.err.join('')).toMatch(
        new RegExp(
          `^ringbridge: tcp://127\\.0\\.0\\.1:${port}: the port is in use .*--base-port PORT moves .*\\n$`,
        ),
      )
      expect(existsSync(data)).toBe(false)
    } finally {
      taken.close()
    }
  })

  it('a folder that cannot be made is one line, wherever it is asked for', async () => {
    expect(await main(['overlay', 'init', 'a.example.com', '--authority', '/proc/nowhere/x'])).toBe(2)
    expect(shown.err.join('')).toContain('/proc/nowhere/x: the folder cannot be written (ENOENT)')
    for (const args of [
      ['users', 'add', 'carol', '--users', '/proc/nowhere/users.jsonl'],
      ['testbed', '--peers', '2', '--data', '/proc/nowhere'],
      ['testbed', '--peers', '2', '--keylog', '/proc/nowhere'],
      ['start'],
    ]) {
      shown.err = []
      vi.stubEnv('RINGBRIDGE_DATA__DIR', '/proc/nowhere')
      expect(await main(args), args.join(' ')).toBe(2)
      expect(shown.err.join(''), args.join(' ')).toMatch(/^ringbridge: \/proc\/nowhere: .*\(ENOENT\).*\n$/)
    }
  })

  it('overlay init --if-missing founds once, and --public copies what is no secret', async () => {
    const authority = join(shown.folder, 'authority')
    const open = join(shown.folder, 'public')
    const init = ['overlay', 'init', 'a.example.com', '--authority', authority]
    for (let time = 0; time < 2; time++)
      expect(await main([...init, '--if-missing', '--public', open, '--json']), shown.err.join('')).toBe(0)
    const [first = '', second = ''] = shown.out.join('').trim().split('\n')
    expect(JSON.parse(second)).toEqual(JSON.parse(first))
    expect(readdirSync(open).sort()).toEqual(['configuration.xml', 'root-ca.pem'])
    expect(await main(init)).toBe(2)
    expect(shown.err.join('')).toContain('is there already')
  })

  it('users takes names as it lists them, and the heading of an exported table is no account', async () => {
    const at = ['--users', join(shown.folder, 'users.jsonl'), '--realm', 'example.com']
    const table = join(shown.folder, 'table.csv')
    writeFileSync(table, 'username,password\r\nalice,a\r\nbob@example.com,b\r\n')
    expect(await main(['users', 'import', table, ...at])).toBe(0)
    expect(await main(['users', 'add', 'carol@EXAMPLE.com', '--password', 'c', ...at])).toBe(0)
    expect(await main(['users', 'add', 'dave@elsewhere.example', '--password', 'd', ...at])).toBe(2)
    shown.out = []
    expect(await main(['users', 'list', ...at])).toBe(0)
    expect(shown.out.join('')).toBe('alice@example.com\nbob@example.com\ncarol@example.com\n')
    for (const name of ['alice@example.com', 'bob', 'sip:carol@example.com'])
      expect(await main(['users', 'remove', name, ...at]), name).toBe(0)
    shown.out = []
    expect(await main(['users', 'list', '--json', ...at])).toBe(0)
    expect(JSON.parse(shown.out.join(''))).toEqual([])
  })

  it('users import takes a table as Windows saves it: no account from its heading, no mark in a password, no letters guessed', async () => {
    const users = join(shown.folder, 'users.jsonl')
    const at = ['--users', users, '--realm', 'example.com']
    const table = join(shown.folder, 'table.csv')
    const secret = join(shown.folder, 'secret')
    writeFileSync(table, '\uFEFFname,password\r\nalice,a\r\nbob,"b,""c"\r\n')
    writeFileSync(secret, '\uFEFFd\r\n')
    expect(await main(['users', 'import', table, ...at])).toBe(0)
    expect(await main(['users', 'add', 'carol', '--password-file', secret, ...at])).toBe(0)
    const expected = [
      newAccount('alice', 'example.com', 'a'),
      newAccount('bob', 'example.com', 'b,"c'),
      newAccount('carol', 'example.com', 'd'),
    ]
    expect(loadAccounts(users)).toEqual(expected)
    // Latin 1: what is no UTF-8 would become U+FFFD, whatever it was.
    writeFileSync(table, Buffer.from('dave,s\u00e9same\n', 'latin1'))
    expect(await main(['users', 'import', table, ...at])).toBe(2)
    expect(shown.err.join('')).toContain(`${table}: is not UTF-8 text`)
    // The accounts themselves, edited there.
    writeFileSync(users, `\uFEFF${readFileSync(users, 'utf8')}`)
    expect(loadAccounts(users)).toEqual(expected)
  })

  it('users password gives an account another one, made up where none is given, and leaves the rest of it as it is', async () => {
    const users = join(shown.folder, 'users.jsonl')
    const at = ['--users', users, '--realm', 'example.com']
    const alice = { ...newAccount('alice', 'example.com', 'a'), delegates: ['bob@example.com'] }
    const bob = newAccount('bob', 'example.com', 'b')
    expect(await main(['users', 'password', 'alice', ...at])).toBe(2)
    expect(shown.err.join('')).toContain('there is no such file')
    saveAccounts(users, [alice, bob])
    expect(await main(['users', 'password', 'sip:alice@example.com', '--password', 'new', ...at])).toBe(0)
    const { ha1, ha1b } = newAccount('alice', 'example.com', 'new')
    expect(loadAccounts(users)).toEqual([{ ...alice, ha1, ha1b }, bob])
    shown.out = []
    expect(await main(['users', 'password', 'bob', '--json', ...at])).toBe(0)
    const said = JSON.parse(shown.out.join('')) as { changed: string; password: string }
    expect(said.changed).toBe('bob')
    expect(loadAccounts(users)[1]).toEqual(newAccount('bob', 'example.com', said.password))
    for (const wrong of [['carol'], [], ['bob', '--password', '']])
      expect(await main(['users', 'password', ...wrong, ...at])).toBe(2)
  })

  it('users import --update gives accounts that are there another password', async () => {
    const users = join(shown.folder, 'users.jsonl')
    const list = join(shown.folder, 'list')
    writeFileSync(list, 'carol,one\ndave,two\n')
    expect(await main(['users', 'import', list, '--users', users])).toBe(0)
    const before = readFileSync(users, 'utf8')
    expect(await main(['users', 'import', list, '--users', users])).toBe(2)
    writeFileSync(list, 'carol,three\n')
    expect(await main(['users', 'import', list, '--users', users, '--update'])).toBe(0)
    const lines = readFileSync(users, 'utf8').trim().split('\n')
    expect(lines.filter((line) => line.includes('"carol"'))).toHaveLength(1)
    expect(before.split('\n')).toContain(lines.find((line) => line.includes('"dave"')))
    expect(before).not.toContain(lines.find((line) => line.includes('"carol"')))
  })

  it('users add and import leave what else an account has, and refuse an AOR of somebody else: no node could read the file', async () => {
    const file = join(shown.folder, 'users.jsonl')
    const at = ['--users', file, '--realm', 'example.com']
    expect(await main(['users', 'add', 'bob', '--password', 'x', ...at])).toBe(0)
    const bob = JSON.parse(readFileSync(file, 'utf8')) as object
    const more = { aors: ['bob@example.com', 'carol@example.com'], mayCallOutside: true }
    writeFileSync(file, `${JSON.stringify({ ...bob, ...more })}\n`)
    const table = join(shown.folder, 'table.csv')
    writeFileSync(table, 'carol,y\n')
    for (const args of [
      ['add', 'carol', '--password', 'y'],
      ['import', table],
    ]) {
      shown.err = []
      expect(await main(['users', ...args, ...at])).toBe(2)
      expect(shown.err.join('')).toBe(
        'ringbridge: account "carol": carol@example.com belongs to account "bob"\n',
      )
    }
    writeFileSync(table, 'bob,new\n')
    expect(await main(['users', 'import', table, '--update', ...at])).toBe(0)
    const [updated] = loadAccounts(file)
    expect(updated).toMatchObject(more)
    expect(updated).not.toMatchObject(bob)
  })

  it('users takes no name that makes no AOR or somebody else’s: the node could not read the file any more', async () => {
    const file = join(shown.folder, 'users.jsonl')
    const at = ['--users', file, '--realm', 'example.com', '--password', 'x']
    for (const name of [
      'a%zz',
      '%61lice',
      'a\\b',
      'a[b',
      'a^b',
      'a\u0001b',
      '%00',
      'a b',
      'ünal',
      '_proxy',
    ]) {
      expect(await main(['users', 'add', name, ...at]), name).toBe(2)
      const table = join(shown.folder, 'table.csv')
      writeFileSync(table, `${name},x\n`)
      expect(await main(['users', 'import', table, ...at]), name).toBe(2)
    }
    expect(existsSync(file)).toBe(false)
    const names = ['a;b=c', 'a/b', "o'neil", '+4930', 'a.b-c_d~e']
    for (const name of names) expect(await main(['users', 'add', name, ...at]), name).toBe(0)
    new AccountBook('example.com').replace(loadAccounts(file), file)
  })

  it('overlay serve takes no name for its certificate that is none', async () => {
    expect(await main(['overlay', 'serve', 'dht.example.com', '--name', 'no name'])).toBe(2)
    expect(shown.err.join('')).toContain('--name: "no name" is neither')
  })

  it('overlay init with a name that is none founds nothing', async () => {
    const folder = join(shown.folder, 'authority')
    expect(await main(['overlay', 'init', 'not a name', '--authority', folder])).toBe(2)
    expect(existsSync(folder)).toBe(false)
  })

  it('phone-config --out --json says as JSON where the settings went', async () => {
    const out = join(shown.folder, 'snom.xml')
    const args = ['alice@example.com', '--server', '192.0.2.1', '--out', out, '--json']
    expect(await main(['phone-config', 'snom', ...args])).toBe(0)
    expect(JSON.parse(shown.out.join(''))).toEqual({ model: 'snom', aor: 'alice@example.com', out })
    expect(readFileSync(out, 'utf8')).toContain('<settings>')
  })

  it('users: add, list, import, remove; a made-up password is printed once and never stored', async () => {
    const users = join(shown.folder, 'users.jsonl')
    const at = ['--users', users, '--json']
    expect(await main(['users', 'add', 'carol', ...at])).toBe(0)
    const { password } = JSON.parse(shown.out.join('')) as { password: string }
    expect(readFileSync(users, 'utf8')).not.toContain(password)
    expect(await main(['users', 'add', 'dave', '--password', 'x', ...at])).toBe(0)
    expect(await main(['users', 'add', 'dave', '--password', 'x', ...at])).toBe(2)
    const list = join(shown.folder, 'new.csv')
    writeFileSync(list, '# name,password\nerin,one\nfrank,two,three\n')
    expect(await main(['users', 'import', list, ...at])).toBe(0)
    writeFileSync(list, 'grace,one\nerin,again\n')
    expect(await main(['users', 'import', list, ...at])).toBe(2)
    expect(await main(['users', 'remove', 'carol', ...at])).toBe(0)
    shown.out = []
    expect(await main(['users', 'list', ...at])).toBe(0)
    expect(
      (JSON.parse(shown.out.join('')) as { username: string }[]).map(({ username }) => username),
    ).toEqual(['dave', 'erin', 'frank'])
  })

  it('overlay init founds once; sign gives the next sequence and can shut a node out', async () => {
    const at = ['--authority', join(shown.folder, 'authority'), '--json']
    expect(
      await main(['overlay', 'init', 'dht.example.com', '--bootstrap', '192.0.2.1,192.0.2.2:6090', ...at]),
    ).toBe(0)
    expect(JSON.parse(shown.out.join(''))).toMatchObject({ overlay: 'dht.example.com', sequence: 0 })
    const file = join(shown.folder, 'authority', 'configuration.xml')
    expect(readFileSync(file, 'utf8')).toMatch(
      /address="192\.0\.2\.1" port="6084"[\s\S]*port="6090"[\s\S]*<signature>/,
    )
    expect(await main(['overlay', 'init', 'dht.example.com', ...at])).toBe(2)
    shown.out = []
    const bad = 'ab'.repeat(16)
    expect(await main(['overlay', 'sign', 'dht.example.com', '--bad-node', bad, ...at])).toBe(0)
    expect(JSON.parse(shown.out.join(''))).toMatchObject({ sequence: 1 })
    expect(readFileSync(file, 'utf8')).toContain(`<bad-node>${bad}</bad-node>`)
    expect(await main(['overlay', 'sign', 'dht.example.com', '--bad-node', 'xyz', ...at])).toBe(2)
    expect(await main(['overlay', 'sign', 'other.example.com', ...at])).toBe(2)
  })

  it('R6940-11.1-02 overlay sign takes a node that was shut out by mistake off the list, and only one that is on it', async () => {
    const at = ['dht.example.com', '--authority', join(shown.folder, 'authority')]
    const [bad, worse] = ['ab'.repeat(16), 'cd'.repeat(16)]
    const listed = (): string[] => {
      const text = readFileSync(join(shown.folder, 'authority', 'configuration.xml'), 'utf8')
      return [...text.matchAll(/<bad-node>(\w+)</g)].map(([, hex]) => hex!)
    }
    expect(await main(['overlay', 'init', ...at, '--good-node', bad])).toBe(2)
    expect(await main(['overlay', 'init', ...at, '--bad-node', bad])).toBe(0)
    expect(await main(['overlay', 'sign', ...at, '--bad-node', bad, '--bad-node', worse])).toBe(0)
    expect(listed()).toEqual([bad, worse])
    expect(await main(['overlay', 'sign', ...at, '--good-node', 'ef'.repeat(16)])).toBe(2)
    expect(shown.err.join('')).toContain('is not shut out')
    expect(listed()).toEqual([bad, worse])
    expect(await main(['overlay', 'sign', ...at, '--good-node', bad.toUpperCase()])).toBe(0)
    expect(listed()).toEqual([worse])
  })

  it('overlay sign tells nobody to join at an address that only listens', async () => {
    const at = ['dht.example.com', '--authority', join(shown.folder, 'authority')]
    for (const address of ['0.0.0.0:6084', '[::]:6084', '192.0.2.1:0'])
      expect(await main(['overlay', 'init', ...at, '--bootstrap', address]), address).toBe(2)
    expect(shown.err.join('')).toContain('not one that others reach')
  })

  it('a node whose admin port is one that browsers refuse to ask is asked all the same', async () => {
    // All on the list of the Fetch standard; one of them is free.
    const server = createHttpServer((_request, response) => response.end('{"ready":true}'))
    const listens = (port: number): Promise<boolean> =>
      new Promise((resolve) => {
        server.once('error', () => resolve(false))
        server.listen(port, '127.0.0.1', () => resolve(true))
      })
    try {
      let bound: number | undefined
      for (const port of [6566, 10080, 6697, 6665, 6666, 6667, 6668])
        if (bound === undefined && (await listens(port))) bound = port
      expect(await main(['health', '--admin', `127.0.0.1:${bound}`])).toBe(0)
      expect(shown.out.join('')).toBe('ready\n')
    } finally {
      server.close()
    }
  })

  it('overlay init shuts out the nodes that it is told of, and founds nothing for one that is none', async () => {
    const folder = join(shown.folder, 'authority')
    const init = ['overlay', 'init', 'dht.example.com', '--authority', folder]
    expect(await main([...init, '--bad-node', 'xyz'])).toBe(2)
    expect(shown.err.join('')).toContain('--bad-node: 32 hex digits are expected')
    expect(existsSync(folder)).toBe(false)
    const bad = ['ab'.repeat(16), 'cd'.repeat(16)]
    expect(await main([...init, ...bad.flatMap((hex) => ['--bad-node', hex])])).toBe(0)
    const file = join(folder, 'configuration.xml')
    for (const hex of bad) expect(readFileSync(file, 'utf8')).toContain(`<bad-node>${hex}</bad-node>`)
  })

  it('questions to a node that is not there fail with a reason, exit code 1', async () => {
    for (const args of [['locate', 'a@b'], ['ring'], ['ping', '0'.repeat(32)]]) {
      expect(await main([...args, '--admin', '127.0.0.1:1'])).toBe(1)
    }
    expect(shown.err.join('')).toContain('no running node answers at http://127.0.0.1:1 (ECONNREFUSED)')
  })
})
