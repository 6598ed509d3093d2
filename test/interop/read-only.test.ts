/** A node as the container image and the chart run it: not root, no capability, nothing writable but its data. Linux and root only. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { freePort, freePortPair, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { COMMAND } from './support/testbed.ts'

/** Of the image; see deploy/Dockerfile. */
const USER = 65532

let folder = ''
let data = ''
let ports = { sip: 0, admin: 0, reload: 0 }
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-read-only-'))
  chmodSync(folder, 0o755)
  data = join(folder, 'data')
  mkdirSync(data)
  if (process.getuid?.() === 0) chownSync(data, USER, USER)
  ports = { sip: await freePort(), admin: await freePort(), reload: await freePortPair() }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** `program` in a mount namespace of its own, in which only the data folder can be written. */
function confined(...program: string[]): Running {
  const script = [
    'set -e',
    'mount --make-rprivate /',
    `mount --bind ${data} ${data}`,
    // Bottom up: / last, since what is mounted below it has to be found.
    `awk '$2 != "${data}" { print $2 }' /proc/self/mounts | sort -ru | while read -r at; do`,
    '  mount -o remount,ro,bind "$at" 2>/dev/null || true',
    'done',
    `exec setpriv --reuid ${USER} --regid ${USER} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"`,
  ].join('\n')
  const environment = {
    RINGBRIDGE_DATA__DIR: data,
    RINGBRIDGE_SIP__LISTEN: `udp://127.0.0.1:${ports.sip}`,
    RINGBRIDGE_OVERLAY__LISTEN: `tls://127.0.0.1:${ports.reload}`,
    RINGBRIDGE_ADMIN__LISTEN: `127.0.0.1:${ports.admin}`,
    PATH: process.env['PATH'] ?? '',
  }
  return new Running('unshare', ['-m', 'sh', '-c', script, 'sh', ...program], { cwd: data, env: environment })
}

describe('as user 65532 on a read-only file system', () => {
  interop(
    ['unshare', 'setpriv', 'ip'],
    'S-83 a node founds an overlay, is ready, takes a phone, and ends with 0; nothing else could have been written',
    async () => {
      const probe = confined(
        'sh',
        '-c',
        `id -u; touch ${data}/x && echo data; touch ${folder}/x; touch /var/tmp/x`,
      )
      await probe.exit()
      expect(probe.output.split('\n').slice(0, 2)).toEqual([String(USER), 'data'])
      expect(probe.output.match(/Read-only file system/g), probe.output).toHaveLength(2)

      const node = confined(process.execPath, COMMAND, 'start')
      try {
        await node.line((line) => line.includes('other peers'), 'the sheet')
        const [, password = ''] = /user name\W+alice\W+password\W+(\S+)/i.exec(node.output) ?? []
        await eventually('ready', async () => {
          const answer = await fetch(`http://127.0.0.1:${ports.admin}/readyz`).catch(() => undefined)
          return answer?.status === 200
        })
        const phone = new Running(process.execPath, [
          ...[COMMAND, 'phone', 'register', 'alice@dht.example.com', '--password', password],
          ...['--server', `127.0.0.1:${ports.sip}`],
        ])
        expect(await phone.exit(), phone.output).toBe(0)
        node.child.kill('SIGTERM')
        expect(await node.exit(), node.output).toBe(0)
        expect(node.output).not.toContain('EROFS')
      } finally {
        await node.stop()
      }
    },
  )
})
