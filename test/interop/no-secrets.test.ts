import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { COMMAND } from './support/testbed.ts'

const DOMAIN = 'secrets.example.com'
const TOKEN = `token-${randomBytes(12).toString('hex')}`
const PASSWORD = `password-${randomBytes(12).toString('hex')}`
const WRONG = `wrong-${randomBytes(12).toString('hex')}`
const SDES = `inline:${randomBytes(30).toString('base64')}`
const ICE = `ice-${randomBytes(12).toString('hex')}`
const OPAQUE = `vendor-${randomBytes(12).toString('hex')}`
const PUSH = `push-${randomBytes(12).toString('hex')}`

/** Everything under `folder` that is a file, by path. */
function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : [path]
  })
}

/** What stands in private key files, line by line. */
function keysIn(folder: string): string[] {
  return files(folder)
    .filter((path) => /key|\.pem$/i.test(path))
    .map((path) => readFileSync(path, 'latin1'))
    .filter((text) => text.includes('PRIVATE KEY'))
    .flatMap((text) => text.split('\n').filter((line) => line.length >= 40 && !line.startsWith('-')))
}

describe('secrets', () => {
  it('stand in no log line, API answer, page, trace, HEP packet or metric of a node that has seen them all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-secrets-'))
    const collector = createSocket('udp4')
    collector.bind(0, '127.0.0.1')
    await once(collector, 'listening')
    const packets: string[] = []
    collector.on('message', (bytes) => packets.push(bytes.toString('latin1')))
    const [sip, admin, reload] = [await freePort(), await freePort(), await freePort()]
    const config = join(folder, 'node.yaml')
    writeFileSync(
      config,
      `overlay: { name: ${DOMAIN}, listen: ["tls://127.0.0.1:${reload}"], applicationListen: "tls://127.0.0.1:0", standalone: true }
sip: { listen: ["udp://127.0.0.1:${sip}", "tcp://127.0.0.1:${sip}"], secret: "${'ab'.repeat(32)}" }
admin: { listen: "127.0.0.1:${admin}", token: "${TOKEN}" }
data: { dir: ${join(folder, 'data')} }
log: { level: debug, format: json }
trace: { hep: "udp://127.0.0.1:${collector.address().port}" }
`,
    )
    const node = new Running(process.execPath, [COMMAND, 'start', '--config', config])
    const answers: string[] = []
    const fetched = async (path: string, init: RequestInit = {}): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${admin}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string>) },
      })
      const text = await response.text()
      answers.push(`${path} ${response.status} ${JSON.stringify([...response.headers])} ${text}`)
      return text
    }
    const phones: Running[] = []
    try {
      await node.line((line) => line.includes('"joined"'), 'joined')
      for (const username of ['carol', 'dave'])
        await fetched('/api/v1/users', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ username, password: PASSWORD }),
        })
      const phone = (verb: string, who: string, password: string, ...rest: string[]): Running => {
        const run = new Running(process.execPath, [
          ...[COMMAND, 'phone', verb, `${who}@${DOMAIN}`, ...rest],
          ...['--server', `127.0.0.1:${sip}`, '--password', password],
        ])
        phones.push(run)
        return run
      }
      const dave = phone('answer', 'dave', PASSWORD, '--calls', '1', '--seconds', '150')
      await dave.line((line) => line.includes('status=200'), 'registered')
      expect(await phone('call', 'carol', PASSWORD, 'dave', '--seconds', '0').exit()).toBe(0)
      expect(await phone('register', 'carol', WRONG).exit()).toBe(1)
      const responses = await plantedInvite(sip)
      expect(responses).toContain('SIP/2.0 4')
      await fetched('/api/v1/peer', { headers: { authorization: `Bearer ${WRONG}` } })

      const traces = JSON.parse(await fetched('/api/v1/traces')) as { traces: { callId: string }[] }
      expect(traces.traces.length).toBeGreaterThanOrEqual(4)
      for (const { callId } of traces.traces)
        for (const format of ['json', 'text', 'svg'])
          await fetched(`/api/v1/traces/${encodeURIComponent(callId)}?format=${format}`)
      const aor = `dave@${DOMAIN}`
      const paths = [
        'peer',
        'ring',
        'ring/walk',
        'bindings',
        'storage',
        'users',
        'rates',
        `locate?aor=${aor}`,
        `path?aor=${aor}`,
      ]
      for (const path of paths) await fetched(`/api/v1/${path}`)
      for (const path of ['/', '/readyz?verbose', '/metrics', '/api/docs', '/assets/main.js'])
        await fetched(path)
      // The state that is written to the log on request.
      node.child.kill('SIGUSR2')
      node.child.kill('SIGHUP')
      await node.line(
        (line) => line.includes('"event":"state"') || line.includes('state_dump') || line.includes('reload'),
        'state',
      )
    } finally {
      for (const each of phones) await each.stop('SIGKILL')
      await node.stop()
      collector.close()
    }
    const hashes = readFileSync(join(folder, 'data', 'users.jsonl'), 'utf8').match(/[0-9a-f]{32,64}/g) ?? []
    const keys = keysIn(folder)
    expect(hashes.length).toBeGreaterThanOrEqual(2)
    expect(keys.length).toBeGreaterThan(0)
    expect(packets.length).toBeGreaterThan(10)
    const secrets = [TOKEN, PASSWORD, WRONG, SDES, ICE, OPAQUE, PUSH, 'ab'.repeat(32), ...hashes, ...keys]
    const places = { log: node.output, api: answers.join('\n'), hep: packets.join('\n') }
    for (const [place, text] of Object.entries(places)) {
      for (const secret of secrets) expect(text.includes(secret), `${secret} in ${place}`).toBe(false)
      expect(text, place).not.toMatch(/response=\\?"?[0-9a-f]{16}/i)
      expect(text, place).not.toMatch(/authorization: *Digest +[^*\s]/i)
    }
    rmSync(folder, { recursive: true, force: true })
  })
})

/** A call that carries what phones should not send and some do; resolves with what came back. */
async function plantedInvite(port: number): Promise<string> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const own = `127.0.0.1:${socket.address().port}`
  const body = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', `a=ice-pwd:${ICE}`],
    ...['m=audio 9 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 ${SDES}`, ''],
  ].join('\r\n')
  const head = [
    `INVITE sip:dave:${PASSWORD}@${DOMAIN} SIP/2.0`,
    `Via: SIP/2.0/UDP ${own};branch=z9hG4bKplanted`,
    `From: <sip:carol:${PASSWORD}@${DOMAIN}>;tag=planted`,
    `To: <sip:dave@${DOMAIN}>`,
    'Call-ID: planted',
    'CSeq: 1 INVITE',
    'Max-Forwards: 70',
    `Contact: <sip:carol@${own};pn-provider=x;pn-prid=${PUSH}>`,
    `Authorization: Bearer ${OPAQUE}`,
    `X-Vendor-Secret: ${OPAQUE}`,
    `Proxy-Authorization: Digest username="carol", realm="${DOMAIN}", nonce="${OPAQUE}", uri="sip:dave@${DOMAIN}", response="${'f'.repeat(32)}"`,
    'Content-Type: application/sdp',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ].join('\r\n')
  socket.send(`${head}\r\n\r\n${body}`, port, '127.0.0.1')
  const [answer] = (await once(socket, 'message')) as [Buffer]
  socket.close()
  return answer.toString('latin1')
}
