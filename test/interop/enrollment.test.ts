/** Enrollment and configuration over HTTPS with other people's tools, and with our own processes. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aWorld, OVERLAY, PASSWORD, type World } from '../support/enrollment-server.ts'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { COMMAND } from './support/testbed.ts'

const run = promisify(execFile)
let world: World
beforeAll(async () => {
  world = await aWorld()
  writeFileSync(join(world.folder, 'root.pem'), world.rootPem)
})
afterAll(() => world.close())

describe('with openssl and curl', () => {
  const curl = (...args: string[]) =>
    run('curl', ['-sS', '--cacert', join(world.folder, 'root.pem'), ...args])

  interop(
    ['curl', 'openssl'],
    'R6940-11.3-07 R6940-11.3-08 R6940-11.3-10 R6940-11.3-11 R6940-11.3-19 a form by curl gets a certificate that openssl verifies',
    async () => {
      const at = (name: string) => join(world.folder, name)
      await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', at('key.pem')])
      await run('openssl', [
        ...['req', '-new', '-key', at('key.pem'), '-subj', '/', '-outform', 'DER', '-out', at('csr.der')],
        ...['-addext', `subjectAltName=email:erin@${OVERLAY}`],
      ])
      const { stdout } = await curl(
        ...['-D', at('head'), '-o', at('certificate.der'), '-w', '%{http_code} %{content_type}'],
        ...['-H', 'Accept: application/pkix-cert', '-F', 'username=site-b', '-F', `password=${PASSWORD}`],
        ...['-F', `csr=@${at('csr.der')};type=application/pkcs10`, `${world.base}/enroll`],
      )
      expect(stdout).toBe('200 application/pkix-cert')
      const { stdout: text } = await run('openssl', [
        ...[
          'x509',
          '-inform',
          'DER',
          '-in',
          at('certificate.der'),
          '-noout',
          '-subject',
          '-ext',
          'subjectAltName',
        ],
      ])
      expect(text).toMatch(/URI:reload:\/\/0110[0-9a-f]{32}@example\.org/)
      expect(text).toContain(`email:erin@${OVERLAY}`)
      await run('openssl', ['x509', '-inform', 'DER', '-in', at('certificate.der'), '-out', at('leaf.pem')])
      const { stdout: verified } = await run('openssl', ['verify', '-CAfile', at('root.pem'), at('leaf.pem')])
      expect(verified).toContain('OK')
    },
  )

  interop(['curl', 'openssl'], 'R6940-11.3-20 the tokens as curl sees them', async () => {
    const { stdout } = await curl(
      ...['-w', ' %{http_code} %{content_type}', '-F', 'username=nobody', '-F', 'password=x'],
      ...['-F', 'csr=junk;type=application/pkcs10', `${world.base}/enroll`],
    )
    expect(stdout).toBe('failed_authentication 403 text/plain; charset=utf-8')
    const form = ['-F', 'username=site-b', '-F', `password=${PASSWORD}`, `${world.base}/enroll`]
    expect((await curl('-F', 'csr=junk;type=application/pkcs10', ...form)).stdout).toBe('bad_CSR')
    expect((await curl(...form)).stdout).toBe('bad_CSR')
  })

  interop(
    ['curl', 'openssl'],
    'R6940-11.2-02 R6940-11.2-04 the document by curl, with its media type, and 304 for its entity tag',
    async () => {
      const url = `${world.base}/.well-known/reload-config`
      const { stdout: head } = await curl('-i', url)
      expect(head).toMatch(/content-type: application\/p2p-overlay\+xml/i)
      const etag = /etag: (.*)\r/i.exec(head)?.[1] as string
      const { stdout } = await curl('-w', '%{http_code}', '-H', `If-None-Match: W/"x", ${etag}`, url)
      expect(stdout).toBe('304')
    },
  )

  interop(
    ['curl', 'openssl'],
    'R6940-11.3-06 openssl s_client finds the overlay name and the chain in order',
    async () => {
      const client = run('openssl', [
        ...['s_client', '-connect', world.base.slice('https://'.length)],
        ...['-CAfile', join(world.folder, 'root.pem'), '-verify_return_error'],
        ...['-verify_hostname', OVERLAY, '-servername', OVERLAY],
      ])
      client.child.stdin?.end()
      expect((await client).stdout).toContain('Verify return code: 0 (ok)')
    },
  )
})

describe('with our own processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-sites-'))
  const running: Running[] = []
  afterAll(async () => {
    for (const each of running) await each.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const loopback = {
    RINGBRIDGE_OVERLAY__APPLICATION_LISTEN: 'tls://127.0.0.1:0',
    RINGBRIDGE_SIP__LISTEN: '["udp://127.0.0.1:0","tcp://127.0.0.1:0"]',
    RINGBRIDGE_ADMIN__LISTEN: '127.0.0.1:0',
  }
  const ringbridge = async (site: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> => {
    const options = { cwd: folder, env: { ...process.env, ...loopback, RINGBRIDGE_DATA__DIR: site, ...env } }
    return (await run(process.execPath, [COMMAND, ...args], options)).stdout
  }
  const start = async (site: string, env: NodeJS.ProcessEnv): Promise<Running> => {
    const options = { cwd: folder, env: { ...process.env, ...loopback, RINGBRIDGE_DATA__DIR: site, ...env } }
    const node = new Running(process.execPath, [COMMAND, 'start'], options)
    running.push(node)
    await node.line((line) => line.includes('"event":"ready"'), 'ready')
    return node
  }
  const sipOf = (node: Running): string => /server \(or proxy\) +([0-9.:]+)/.exec(node.output)?.[1] ?? ''

  it('R6940-11.2-04 R6940-11.3-05 R6940-11.3-25 a site of somebody else joins with a document, a root and a password; phones call across; the server may go', async () => {
    const [reload, https] = [await freePort(), await freePort()]
    const authority = ['--authority', 'one/authority']
    const url = `https://127.0.0.1:${https}`
    await ringbridge(
      'one',
      {},
      ...['overlay', 'init', 'dht.example.com', '--enrollment', `${url}/enroll`],
      ...['--bootstrap', `127.0.0.1:${reload}`, ...authority],
    )
    const added = await ringbridge(
      'one',
      {},
      ...['overlay', 'accounts', 'add', 'site2', '--names', '*@dht.example.com', '--json', ...authority],
    )
    writeFileSync(join(folder, 'password'), (JSON.parse(added) as { password: string }).password)
    cpSync(join(folder, 'one/authority/root-ca.pem'), join(folder, 'root-ca.pem'))
    const one = await start('one', {
      RINGBRIDGE_OVERLAY__LISTEN: `tls://127.0.0.1:${reload}`,
      RINGBRIDGE_OVERLAY__STANDALONE: 'true',
      RINGBRIDGE_OVERLAY__ENROLLMENT__LISTEN: `127.0.0.1:${https}`,
    })
    const site2 = {
      RINGBRIDGE_OVERLAY__LISTEN: 'tls://127.0.0.1:0',
      RINGBRIDGE_OVERLAY__STANDALONE: 'true',
      RINGBRIDGE_OVERLAY__NAME: 'dht.example.com',
      RINGBRIDGE_OVERLAY__CONFIGURATION: `${url}/.well-known/reload-config`,
      RINGBRIDGE_OVERLAY__CA: 'root-ca.pem',
      RINGBRIDGE_OVERLAY__ACCOUNT: 'site2',
      RINGBRIDGE_OVERLAY__PASSWORD_FILE: 'password',
    }
    const got = JSON.parse(await ringbridge('two', site2, 'enroll', '--json')) as { nodeIds: string[] }
    const carol = JSON.parse(await ringbridge('two', site2, 'users', 'add', 'carol', '--json')) as {
      password: string
    }
    const two = await start('two', site2)
    expect(two.output).toContain(`"nodeId":"${got.nodeIds[0] ?? ''}"`)
    const phone = new Running(process.execPath, [
      ...[COMMAND, 'phone', 'answer', 'carol@dht.example.com', '--server', sipOf(two)],
      ...['--password', carol.password, '--calls', '1', '--seconds', '60'],
    ])
    running.push(phone)
    await phone.line((line) => line.includes('status=200'), 'registered')
    const alice = /user name +alice +password +(\S+)/.exec(one.output)?.[1] ?? ''
    const call = await run(process.execPath, [
      ...[COMMAND, 'phone', 'call', 'alice@dht.example.com', 'carol@dht.example.com'],
      ...['--server', sipOf(one), '--password', alice, '--seconds', '1'],
    ])
    expect(call.stdout).toContain('answer status=200')
    expect(await phone.exit()).toBe(0)
    // Key and certificate of carol at site 2 came in a POST of their own.
    expect(one.output.match(/"result":"issued"/g)).toHaveLength(2)
    expect(one.output).not.toContain('carol')
    await one.stop()
    await two.stop()
    const again = new Running(process.execPath, [COMMAND, 'start'], {
      cwd: folder,
      env: { ...process.env, ...loopback, RINGBRIDGE_DATA__DIR: 'two', ...site2 },
    })
    running.push(again)
    await again.line((line) => line.includes('configuration_from_disk'), 'the kept document')
    await again.line((line) => line.includes('"event":"started"'), 'started')
  })
})
