import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SaxesParser } from 'saxes'
import { describe, expect, it } from 'vitest'
import { MODELS } from '../../../src/cli/phone-config/models.ts'
import { main } from '../../../src/cli/run.ts'
import { terminal } from '../../support/terminal.ts'

const shown = terminal()

const TWO = ['--server', '192.0.2.1', '--server', 'peer2.example.com:5070']

async function settings(model: string, ...args: string[]): Promise<string> {
  shown.out = []
  expect(await main(['phone-config', model, 'alice@example.com', ...args]), shown.err.join('')).toBe(0)
  return shown.out.join('').trimEnd()
}

const NAMES = MODELS.map(({ name }) => name)

describe('settings of phones', () => {
  it.each(NAMES)('%s is told user, password, domain and first peer; names are escaped', async (model) => {
    const text = await settings(
      model,
      ...TWO,
      '--password',
      'p&w<1>'.replace(/[<>]/g, model === 'baresip' ? '_' : '$&'),
    )
    for (const part of ['alice', 'example.com', '192.0.2.1', '5060']) expect(text, part).toContain(part)
    if (!text.startsWith('<?xml') && !text.startsWith('<device')) {
      expect(text).toContain('p&w')
      return
    }
    const parser = new SaxesParser()
    let whole = ''
    parser.on('text', (piece) => (whole += piece))
    parser.on('opentag', ({ attributes }) => (whole += Object.values(attributes).join(' ')))
    parser.on('error', (error) => {
      throw error
    })
    parser.write(text).close()
    expect(whole).toContain('p&w<1>')
  })

  it.each(['yealink', 'polycom', 'grandstream', 'cisco', 'mitel', 'snom', 'baresip'])(
    '%s knows the second peer',
    async (model) => {
      expect(await settings(model, ...TWO)).toMatch(/peer2\.example\.com[\s\S]*5070/)
    },
  )

  it.each(['linphone', 'zoiper', 'pjsua'])('%s has one peer, and a note says so', async (model) => {
    await settings(model, ...TWO)
    expect(shown.err.join('')).toMatch(/for a second peer .*--dns/)
  })

  it.each(NAMES)('%s finds its peers by DNS', async (model) => {
    const text = await settings(model, '--dns')
    expect(text).toContain('example.com')
    expect(text).not.toMatch(/:5060|\d{2,}\.\d+\.\d+\.\d+/)
  })

  it('yealink registers at all its servers at once when there are two', async () => {
    expect(await settings('yealink', ...TWO)).toContain('account.1.fallback.redundancy_type = 0\n')
    expect(await settings('yealink', '--dns')).not.toContain('redundancy_type')
  })

  it('mitel: the domain as proxy and registrar, the peers as outbound proxies, port 0 for SRV', async () => {
    const text = await settings('aastra', ...TWO, '--transport', 'tcp', '--password', 'x')
    for (const line of [
      'sip proxy ip: example.com',
      'sip registrar ip: example.com',
      'sip outbound proxy: 192.0.2.1',
      'sip backup proxy ip: example.com',
      'sip backup registrar ip: example.com',
      'sip backup outbound proxy port: 5070',
      'sip transport protocol: 2',
      'sip line1 user name: alice',
      'sip line1 password: x',
    ])
      expect(text.split('\n')).toContain(line)
    expect(await settings('mitel', '--dns')).toMatch(/^sip proxy port: 0$/m)
  })

  it('pjsua: the options of its configuration file', async () => {
    expect(await settings('pjsua', '--server', '192.0.2.1', '--transport', 'tls', '--password', 'x')).toBe(
      [
        '--id=sip:alice@example.com',
        '--registrar=sip:example.com;transport=tls',
        '--realm=*',
        '--username=alice',
        '--password=x',
        '--outbound=sip:192.0.2.1:5061;lr;transport=tls',
        '--reg-timeout=3600',
        '--use-tls',
      ].join('\n'),
    )
  })

  it('takes peers, transport and domain from the configurations of two nodes', async () => {
    const one = join(shown.folder, 'one.yaml')
    const two = join(shown.folder, 'two.yaml')
    writeFileSync(one, 'sip: { domains: [office.example.com], advertise: 192.0.2.1 }')
    writeFileSync(two, 'sip: { domains: [office.example.com], advertise: 192.0.2.2 }')
    expect(await main(['phone-config', 'baresip', 'bob', '--config', one, '--config', two])).toBe(0)
    expect(shown.out.join('')).toBe(
      '<sip:bob@office.example.com;transport=udp>;auth_user=bob;auth_pass=PASSWORD;regint=600;sipnat=outbound;' +
        'outbound="sip:192.0.2.1:5060;transport=udp";outbound2="sip:192.0.2.2:5060;transport=udp"\n',
    )
  })

  it('a password comes from the user or not at all, and is stored nowhere but in --out', async () => {
    expect(await settings('yealink', ...TWO)).toContain('account.1.password = PASSWORD')
    expect(shown.err.join('')).toContain('no password was given')
    const secret = join(shown.folder, 'secret')
    const file = join(shown.folder, 'phone.cfg')
    writeFileSync(secret, 'hush hush\n')
    await settings('yealink', ...TWO, '--password-file', secret, '--out', file)
    expect(shown.out.join('') + shown.err.join('')).not.toContain('hush')
    expect(readFileSync(file, 'utf8')).toContain('account.1.password = hush hush\n')
    expect(statSync(file).mode & 0o077).toBe(0)
    // Nor is a file of before that everybody could read.
    chmodSync(file, 0o644)
    await settings('yealink', ...TWO, '--password-file', secret, '--out', file)
    expect(statSync(file).mode & 0o077).toBe(0)
  })

  it('a display name with quotes stays one quoted-string', async () => {
    const text = await settings('linphone', ...TWO, '--display-name', 'Al "the \\ pal"')
    expect(text).toContain('&quot;Al \\&quot;the \\\\ pal\\&quot;&quot; &lt;sip:')
  })

  it('--json is one object, with what a camera reads', async () => {
    const answer = JSON.parse(await settings('wave', ...TWO, '--password', 'x', '--json')) as Record<
      string,
      string
    >
    expect(answer).toMatchObject({ model: 'grandstream' })
    expect(answer['qr']).toMatch(/^<\?xml.*<AuthPass>x<\/AuthPass>/)
    const none = JSON.parse(await settings('snom', ...TWO, '--json')) as Record<string, unknown>
    expect(none['qr']).toBeNull()
  })

  it('--qr is a picture for phones that take one; others say why not', async () => {
    expect(await settings('grandstream', ...TWO, '--qr', 'svg')).toMatch(/^<svg /)
    expect(
      await settings('linphone', ...TWO, '--qr', 'text', '--url', 'https://example.com/a.xml'),
    ).toContain('█')
    for (const [model, reason] of [
      ['zoiper', /vendor’s own service/],
      ['linphone', /--url/],
      ['yealink', /reads no QR code/],
    ] as const) {
      shown.err = []
      expect(await main(['phone-config', model, 'alice', ...TWO, '--qr', 'text'])).toBe(2)
      expect(shown.err.join('')).toMatch(reason)
    }
  })

  it.each([
    [['yealnk', 'alice'], /no phone "yealnk"; did you mean yealink\?/],
    [['yealink'], /MODEL and AOR/],
    [['yealink', 'alice', '--password', 'a\nb'], /--password: no control characters/],
    [['yealink', 'alice', '--server', '1.2.3.4:x'], /is not host:port/],
    [['yealink', 'alice', '--transport', 'tls'], /has no tls:\/\/ listener/],
    [['baresip', 'alice', '--password', 'a;b'], /baresip takes no blank/],
    [['pjsua', 'alice', '--password', 'a b'], /pjsua takes no blank/],
    [['mitel', 'alice', '--password', 'a#b'], /mitel takes no #/],
    [['yealink', 'a b'], /an AOR like alice@example\.com is expected, its user of 1 to 128 ASCII characters/],
    [['yealink', '@example.com'], /an AOR like alice@example\.com is expected/],
    [['yealink', 'alice@exa mple.com'], /AOR: "exa mple\.com" is neither a domain nor an address/],
    [['yealink', 'alice@'], /AOR: "" is neither/],
    [
      ['yealink', 'alice', '--server', 'foo bar'],
      /--server: "foo bar" is neither a host name nor an address/,
    ],
    [['yealink', 'alice', '--server', '192.0.2.1.5'], /--server: "192\.0\.2\.1\.5" is neither/],
    [['yealink', 'alice', '--dns', '--server', '192.0.2.1'], /--dns and --server: .* not both/],
    [['yealink', 'alice', '--server', 'a', '--server', 'b', '--server', 'c'], /two peers at most/],
  ])('%j is refused with one line', async (args, expected) => {
    expect(await main(['phone-config', ...args])).toBe(2)
    expect(shown.err.join('')).toMatch(expected)
  })

  it('are made without the secrets that only a start needs', async () => {
    const file = join(shown.folder, 'site2.yaml')
    const remote = 'configuration: https://192.0.2.9/c, account: site2'
    writeFileSync(file, `overlay: {name: example.com, ${remote}}\nsip: {advertise: 192.0.2.1}\n`)
    expect(await main(['phone-config', 'linphone', 'carol', '--config', file]), shown.err.join('')).toBe(0)
    expect(shown.out.join('')).toContain('carol@example.com')
  })
})
