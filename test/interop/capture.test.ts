import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { register, sipp } from './support/sipp.ts'
import { Testbed, user } from './support/testbed.ts'

const BASE = 21300
const OVERLAY_PORTS = [BASE + 2, BASE + 12, BASE + 22]
const APPLICATION_PORTS = [BASE + 3, BASE + 13, BASE + 23]

async function tshark(args: readonly string[]): Promise<string> {
  const run = new Running('tshark', args)
  expect(await run.exit(120_000), run.output).toBe(0)
  return run.output
}

/** Ends a capture's lag: what it has not read yet when it is stopped would be lost. */
async function caughtUp(capture: Running): Promise<void> {
  const from = await freePort()
  const knock = connect({ port: OVERLAY_PORTS[0] as number, host: '127.0.0.1', localPort: from })
  knock.on('error', () => undefined)
  await new Promise((resolve) => knock.once('close', resolve))
  await capture.line((line) => line.includes(` ${from} `), 'the last packet', 20_000)
}

/** Bytes of a TLS 1.3 record with a ping (four bytes) or its answer (two), with its type and tag. */
const KEEP_ALIVES = [21, 19]

/** Lengths of the TLS records in the frames that the display filter finds. */
async function records(decode: readonly string[], filter: string): Promise<number[]> {
  const found = await tshark([...decode, '-Y', filter, '-T', 'fields', '-e', 'tls.record.length'])
  return found
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .flatMap((line) => line.split(',').map(Number))
}

describe('the overlay on the wire', () => {
  interop(
    ['tshark', 'sipp'],
    'R7904-1-01 R7904-5.1-12 A6940-5.4-01 every byte on the overlay links dissects as RELOAD, and SIP has TLS connections of its own',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ringbridge-capture-'))
      const file = join(folder, 'overlay.pcapng')
      const filter = [...OVERLAY_PORTS, ...APPLICATION_PORTS].map((port) => `tcp port ${port}`).join(' or ')
      const capture = new Running('tshark', ['-i', 'lo', '-f', filter, '-w', file, '-P', '-l', '-B', '64'])
      await capture.line((line) => line.includes('Capturing on'), 'capture start', 20_000)
      const testbed = await Testbed.start([
        '--peers',
        '3',
        '--users',
        '6',
        '--base-port',
        String(BASE),
        '--keylog',
        folder,
      ])
      try {
        const port = await freePort()
        const answering = sipp({ scenario: 'uas.xml', target: testbed.peer(2).sip, transport: 'udp', port })
        expect(await register(testbed.peer(2).sip, user(2), port, 'udp')).toBe(0)
        const calling = sipp({
          scenario: 'uac.xml',
          target: testbed.peer(0).sip,
          transport: 'udp',
          user: user(1),
          keys: { callee: user(2) },
        })
        expect(await calling.exit(), calling.output).toBe(0)
        expect(await answering.exit(), answering.output).toBe(0)
      } finally {
        await testbed.stop()
        await caughtUp(capture)
        await capture.stop('SIGINT')
      }
      const keys = readdirSync(folder).filter((name) => name !== 'overlay.pcapng' && name !== 'keys')
      const keylog = join(folder, 'keys')
      writeFileSync(keylog, keys.map((name) => readFileSync(join(folder, name), 'utf8')).join(''))
      // tshark binds a protocol to a TLS port only together with a key file; any RSA key will do, the key log decrypts.
      const unused = join(folder, 'unused.pem')
      const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
      writeFileSync(unused, rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }))
      const decode = [
        ...['-n', '-2', '-r', file, '-o', `tls.keylog_file:${keylog}`],
        ...[...OVERLAY_PORTS, ...APPLICATION_PORTS].flatMap((port) => {
          const carried = OVERLAY_PORTS.includes(port) ? 'reload-framing' : 'sip.tcp'
          return [
            ...['-d', `tcp.port==${port},tls`],
            ...['-o', `uat:ssl_keys:"127.0.0.1","${port}","${carried}","${unused}",""`],
          ]
        }),
      ]
      const fields = [
        '-T',
        'fields',
        '-e',
        'frame.number',
        '-e',
        'frame.protocols',
        '-e',
        'reload.message.code',
      ]
      const dissected = (await tshark([...decode, '-Y', 'reload', ...fields]))
        .split('\n')
        .filter((line) => /^\d/.test(line))
      expect(dissected.length).toBeGreaterThan(20)
      // Store, Fetch, Attach, AppAttach, Join, Update and their answers have all been seen.
      const codes = new Set(dissected.flatMap((line) => (line.split('\t')[2] ?? '').split(',')))
      for (const code of [3, 4, 7, 8, 9, 10, 15, 16, 19, 20, 29, 30])
        expect([...codes].map(Number), `code ${code}`).toContain(code)
      // In SIP tshark calls it malformed when a token in a Record-Route begins with "+", which it takes for a telephone number.
      const fault = '_ws.malformed && !sip || _ws.unreassembled || data'
      const bad = await tshark([...decode, '-Y', fault, ...fields])
      expect(bad.split('\n').filter((line) => /^\d/.test(line))).toEqual([])
      const onOverlay = OVERLAY_PORTS.map((port) => `tcp.port==${port}`).join(' || ')
      const unknown = 'tls.app_data && !reload-framing && !sip'
      expect(await records(decode, `${unknown} && (${onOverlay})`)).toEqual([])
      // tshark has no name for the keep-alives of SIP (RFC 5626 s.3.5.1).
      for (const length of await records(decode, `${unknown} && !(${onOverlay})`))
        expect(KEEP_ALIVES).toContain(length)
      const mixed = await tshark([
        ...decode,
        '-Y',
        `reload contains "SIP/2.0" || (${onOverlay}) && sip`,
        ...fields,
      ])
      expect(mixed.split('\n').filter((line) => /^\d/.test(line))).toEqual([])
      const methods = await tshark([
        ...decode,
        '-Y',
        `sip && !(${onOverlay})`,
        '-T',
        'fields',
        '-e',
        'sip.Method',
      ])
      for (const method of ['INVITE', 'ACK', 'BYE']) expect(methods).toContain(method)
    },
  )
})
