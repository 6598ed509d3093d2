import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { qrMatrix } from '../../src/cli/qr/matrix.ts'
import { Baresip } from './support/baresip.ts'
import { eventually } from './support/eventually.ts'
import { Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { COMMAND, DOMAIN, Testbed, user } from './support/testbed.ts'

const run = promisify(execFile)

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-provisioning-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function ringbridge(...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, [COMMAND, ...args])).stdout.trimEnd()
}

/** What a real reader sees in rows of light (0) and dark (1) pixels. */
async function scanned(rows: readonly string[]): Promise<string> {
  const scale = 4
  const wide = rows.flatMap((row) => {
    const line = [...row]
      .flatMap((pixel) => new Array<string>(scale).fill(pixel === '1' ? '0' : '1'))
      .join(' ')
    return new Array<string>(scale).fill(line)
  })
  const file = join(folder, 'code.pgm')
  writeFileSync(file, `P2\n${(rows[0]?.length ?? 0) * scale} ${wide.length}\n1\n${wide.join('\n')}\n`)
  return (await run('zbarimg', ['--quiet', '--raw', file])).stdout.trimEnd()
}

/** The pixels of `--qr text` on a dark terminal. */
function pixelsOfText(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => [
      [...line].map((glyph) => (glyph === '█' || glyph === '▀' ? '0' : '1')).join(''),
      [...line].map((glyph) => (glyph === '█' || glyph === '▄' ? '0' : '1')).join(''),
    ])
}

function pixelsOfSvg(svg: string): string[] {
  const size = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1])
  const dark = new Set([...svg.matchAll(/M(\d+),(\d+)h1v1h-1z/g)].map((match) => `${match[1]} ${match[2]}`))
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) => (dark.has(`${x} ${y}`) ? '1' : '0')).join(''),
  )
}

describe('QR codes', () => {
  interop(['zbarimg'], 'a reader takes from --qr text and --qr svg what --json says', async () => {
    for (const [model, ...args] of [
      ['grandstream', '--password', 'p&w "1"', '--display-name', 'Zoë'],
      ['linphone', '--url', 'https://pbx.example.com/phones/alice.xml'],
    ] as const) {
      const asked = ['phone-config', model, 'alice@example.com', '--server', '192.0.2.1', ...args]
      const { qr } = JSON.parse(await ringbridge(...asked, '--json')) as { qr: string }
      expect(await scanned(pixelsOfText(await ringbridge(...asked, '--qr', 'text'))), model).toBe(qr)
      expect(await scanned(pixelsOfSvg(await ringbridge(...asked, '--qr', 'svg'))), model).toBe(qr)
    }
  })

  interop(['zbarimg'], 'a reader takes codes of all sizes', async () => {
    const margin = 4
    for (const length of [1, 14, 15, 106, 107, 152, 180, 181, 450, 666, 1059, 1628, 2331]) {
      const text = Array.from({ length }, (_, i) => String.fromCharCode(33 + ((7 * i + (i >> 3)) % 90))).join(
        '',
      )
      const matrix = qrMatrix(text) ?? []
      const empty = new Array<string>(margin).fill('0'.repeat(matrix.length + 2 * margin))
      const rows = matrix.map((row) => {
        const side = '0'.repeat(margin)
        return `${side}${row.map((dark) => (dark ? '1' : '0')).join('')}${side}`
      })
      expect(await scanned([...empty, ...rows, ...empty]), `${length} bytes`).toBe(text)
    }
  })
})

describe('DNS records', () => {
  interop(['named-checkzone'], 'a name server takes the lines of print-dns as a zone', async () => {
    const configs = ['192.0.2.1', '192.0.2.2'].map((address, index) => {
      const file = join(folder, `node-${index}.yaml`)
      writeFileSync(
        file,
        `overlay: { name: example.com, enrollment: { listen: "0.0.0.0:8443" } }\nsip: { advertise: ${address} }\n`,
      )
      return file
    })
    const soa = '@ 300 IN SOA ns hostmaster 1 3600 600 86400 300\n@ 300 IN NS ns\nns 300 IN A 192.0.2.53\n'
    const zone = join(folder, 'zone')
    writeFileSync(zone, `$ORIGIN example.com.\n${soa}${await ringbridge('print-dns', ...configs)}\n`)
    const check = new Running('named-checkzone', ['-i', 'full', 'example.com', zone])
    expect(await check.exit(), check.output).toBe(0)
    expect(check.output).not.toMatch(/warning|error|ignor/i)
  })
})

describe('ringbridge phone try', () => {
  it('makes a whole call between two peers, and says which step was refused', async () => {
    const testbed = await Testbed.start(['--peers', '2', '--users', '2', '--base-port', '21640'])
    try {
      const call = [
        ...['phone', 'try', `${user(0)}@${DOMAIN}`, user(1), '--callee-password', `pw-${user(1)}`, '--json'],
        ...['--server', testbed.peer(0).sip, '--callee-server', testbed.peer(1).sip],
      ]
      const good = new Running(process.execPath, [COMMAND, ...call, '--password', `pw-${user(0)}`])
      expect(await good.exit(), good.output).toBe(0)
      const steps = good.output.trim().split('\n')
      expect(steps.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
        'register',
        'call',
        'hang-up',
        'unregister',
      ])
      const bad = new Running(process.execPath, [COMMAND, ...call, '--password', 'wrong'])
      expect(await bad.exit(), bad.output).toBe(1)
      expect(bad.output).toContain('"event":"call","status":407')
    } finally {
      await testbed.stop()
    }
  })
})

describe('phone settings', () => {
  interop(['baresip'], 'a phone with the printed settings registers at both peers', async () => {
    const testbed = await Testbed.start(['--peers', '2', '--users', '2', '--base-port', '21600'])
    try {
      const [first, second] = testbed.peers
      const account = await ringbridge(
        ...['phone-config', 'baresip', `${user(0)}@${DOMAIN}`, '--password', `pw-${user(0)}`],
        ...['--server', first?.sip ?? '', '--server', second?.sip ?? ''],
      )
      const phone = await Baresip.start({ user: user(0), target: '', transport: 'udp', account })
      try {
        for (const peer of testbed.peers)
          await eventually(`a binding at peer ${peer.peer}`, async () => {
            const { bindings } = (await testbed.api(peer.peer, '/api/v1/bindings')) as { bindings: unknown[] }
            return bindings.length === 1
          })
      } finally {
        await phone.stop()
      }
    } finally {
      await testbed.stop()
    }
  })
})
