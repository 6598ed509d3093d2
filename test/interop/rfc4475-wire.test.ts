import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT, Testbed } from './support/testbed.ts'

const FOLDER = join(ROOT, 'test', 'vectors', 'rfc4475')

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '1', '--users', '2', '--base-port', '21500'])
})
afterAll(async () => {
  await testbed.stop()
})

const PROBE = (transport: string, port: number, turn: number): string =>
  [
    'OPTIONS sip:dht.example.com SIP/2.0',
    `Via: SIP/2.0/${transport} 127.0.0.1:${port};branch=z9hG4bKprobe${transport}${turn};rport`,
    'Max-Forwards: 70',
    'From: <sip:probe@dht.example.com>;tag=1',
    'To: <sip:dht.example.com>',
    `Call-ID: probe-${transport}-${turn}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')

describe('RFC 4475 torture messages over real sockets', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.dat'))

  it('S-03 the process answers an OPTIONS after each of them over UDP', async () => {
    const [host = '', port = ''] = testbed.peer(0).sip.split(':')
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const local = socket.address().port
    const answered = new Set<string>()
    let wake: () => void = () => undefined
    socket.on('message', (bytes: Buffer) => {
      const callId = /\r\nCall-ID: (probe-\S+)/i.exec(bytes.toString('latin1'))?.[1]
      if (callId !== undefined) answered.add(callId)
      wake()
    })
    for (const [turn, file] of files.entries()) {
      socket.send(readFileSync(join(FOLDER, file)), Number(port), host)
      socket.send(PROBE('UDP', local, turn), Number(port), host)
      while (!answered.has(`probe-UDP-${turn}`)) await new Promise<void>((resolve) => (wake = resolve))
    }
    socket.close()
    expect(answered.size).toBe(files.length)
  })

  it('S-03 the process answers an OPTIONS after each of them over TCP', async () => {
    const [host = '', port = ''] = testbed.peer(0).sip.split(':')
    for (const [turn, file] of files.entries()) {
      const dangerous = connect(Number(port), host)
      dangerous.on('error', () => undefined)
      await once(dangerous, 'connect')
      dangerous.write(readFileSync(join(FOLDER, file)))
      const probe = connect(Number(port), host)
      await once(probe, 'connect')
      probe.write(PROBE('TCP', 5060, turn))
      const [answer] = (await once(probe, 'data')) as [Buffer]
      expect(answer.toString('latin1'), file).toContain('SIP/2.0 200')
      probe.destroy()
      dangerous.destroy()
    }
  })
})
