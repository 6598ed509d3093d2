import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { median } from './load.ts'
import type { Server } from './servers.ts'

/**
 * Store: time from a first REGISTER to its 200, which waits for the responsible peer and its replicas. Fetch: time of an
 * AOR lookup over the admin API of each peer in turn. One at a time, so this is latency, not throughput.
 */
export async function overlayLatency(server: Server): Promise<string[]> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const stores: number[] = []
  const fetches: number[] = []
  for (let number = 0; number < 60; number++) {
    const [host = '', port = ''] = (server.targets[number % server.targets.length] ?? '').split(':')
    const name = `u${String(number).padStart(7, '0')}`
    const began = performance.now()
    socket.send(registerRequest(name, socket.address().port, number), Number(port), host)
    const [answer] = (await once(socket, 'message')) as [Buffer]
    if (!answer.toString('latin1').startsWith('SIP/2.0 200'))
      throw new Error(`REGISTER ${name}: ${answer.toString('latin1').split('\r\n')[0]}`)
    stores.push(performance.now() - began)
  }
  for (let number = 0; number < 60; number++) {
    const admin = server.admins[(number + 1) % server.admins.length] ?? ''
    const began = performance.now()
    const name = `u${String(number).padStart(7, '0')}@dht.example.com`
    const answer = await fetch(`http://${admin}/api/v1/locate?aor=${name}`)
    const location = (await answer.json()) as { entries: unknown[] }
    if (location.entries.length === 0) throw new Error(`${name} not found`)
    fetches.push(performance.now() - began)
  }
  socket.close()
  return [describe('store (REGISTER to 200)', stores), describe('fetch (HTTP locate)', fetches)]
}

function describe(what: string, ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b)
  return `${what}: median ${median(ms).toFixed(1)} ms, p95 ${(sorted[Math.floor(sorted.length * 0.95)] ?? NaN).toFixed(1)} ms`
}

function registerRequest(name: string, port: number, number: number): string {
  return [
    'REGISTER sip:dht.example.com SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKlatency${number};rport`,
    'Max-Forwards: 70',
    `From: <sip:${name}@dht.example.com>;tag=${number}`,
    `To: <sip:${name}@dht.example.com>`,
    `Call-ID: latency-${number}`,
    'CSeq: 1 REGISTER',
    `Contact: <sip:${name}@127.0.0.1:${port}>`,
    'Expires: 600',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}
