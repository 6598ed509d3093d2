import { createSocket, type Socket } from 'node:dgram'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addressOf } from '../../../src/cli/commands/phone.ts'
import { main } from '../../../src/cli/run.ts'

let out: string[] = []
let err: string[] = []
let udp: Socket | undefined
let tcp: Server | undefined
beforeEach(() => {
  out = []
  err = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0)
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0)
})
afterEach(() => {
  vi.restoreAllMocks()
  udp?.close()
  tcp?.close()
  udp = tcp = undefined
})

/** A server that answers every request in the same way, and is to be called where it is. */
async function serverThatSays(line: string): Promise<number> {
  const socket = (udp = createSocket('udp4'))
  socket.on('message', (bytes, from) => {
    const kept = bytes
      .toString('latin1')
      .split('\r\n')
      .filter((each) => /^(?:via|from|to|call-id|cseq):/i.test(each))
    // To a REGISTER it would be a binding.
    const { port } = socket.address()
    const contact = bytes.includes('INVITE sip:') ? [`Contact: <sip:127.0.0.1:${port}>`] : []
    const answer = [`SIP/2.0 ${line}`, ...kept, ...contact, 'Content-Length: 0', '', ''].join('\r\n')
    socket.send(answer, from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return socket.address().port
}

async function serverThatHangsUp(): Promise<number> {
  const server = (tcp = createServer((socket) => socket.once('data', () => socket.destroy())))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function register(server: string, ...more: string[]): Promise<number> {
  return main(['phone', 'register', 'alice@example.com', '--server', server, ...more])
}

describe('test phone', () => {
  it('a name is looked up, and what the server says is what is shown, 503 included', async () => {
    expect(await register(`localhost:${await serverThatSays('200 Fine')}`)).toBe(0)
    expect(out.join('')).toBe('register status=200 reason=Fine bindings=0\n')
    udp?.close()
    out = []
    expect(await register(`127.0.0.1:${await serverThatSays('503 Come Back Later')}`)).toBe(1)
    expect(out.join('')).toBe('register status=503 reason=Come Back Later bindings=0\n')
  })

  it.each([
    [
      'SIGINT',
      ['answer', 'alice@example.com'],
      /^register status=200.*\nunregister status=200 reason=Fine\n$/,
    ],
    [
      'SIGTERM',
      ['call', 'alice@example.com', 'bob', '--seconds', '600'],
      /^answer status=200.*\nbye status=200/,
    ],
  ] as const)(
    '%s ends %j as hanging up does: nobody is left in a call, or called in vain',
    async (signal, args, said) => {
      const server = `127.0.0.1:${await serverThatSays('200 Fine')}`
      const before = process.listeners(signal)
      // Other tests have run in this process, and what they have left is not to be ended.
      const ended = (): void => {
        for (const each of process.listeners(signal)) if (!before.includes(each)) each(signal)
      }
      vi.mocked(process.stdout.write).mockImplementation((text) => {
        // What follows the line is begun before anything else happens.
        if (out.push(String(text)) === 1) setImmediate(ended)
        return true
      })
      expect(await main(['phone', ...args, '--server', server])).toBe(0)
      expect(out.join('')).toMatch(said)
      expect(process.listeners(signal)).toEqual(before)
    },
  )

  it('registered over and over a user has one and the same Contact, with or without a scheme in front', async () => {
    const port = await serverThatSays('200 Fine')
    const contacts: (string | undefined)[] = []
    udp?.on('message', (bytes) => contacts.push(/^contact: *(.*)\r$/im.exec(bytes.toString('latin1'))?.[1]))
    const args = ['--server', `127.0.0.1:${port}`]
    for (const aor of ['alice@example.com', 'sip:alice@example.com', 'bob@example.com'])
      expect(await main(['phone', 'register', aor, ...args]), aor).toBe(0)
    expect(contacts[0]).toMatch(/^<sip:alice@127\.0\.0\.1:1\d{4};transport=udp>;expires=600$/)
    expect(contacts[1]).toBe(contacts[0])
    expect(contacts[2]).toContain('sip:bob@')
  })

  it('shows its own address in Via: it is not behind a NAT, which redirect servers would refuse', async () => {
    const port = await serverThatSays('200 Fine')
    let via = ''
    let source = 0
    udp?.on('message', (bytes, from) => {
      via = /^via: *(.*)\r$/im.exec(bytes.toString('latin1'))?.[1] ?? ''
      source = from.port
    })
    expect(await register(`127.0.0.1:${port}`)).toBe(0)
    expect(via).toContain(`SIP/2.0/UDP 127.0.0.1:${source};`)
  })

  it('nobody there is "no answer" and never a status', async () => {
    const port = await serverThatHangsUp()
    expect(await register(`127.0.0.1:${port}`, '--transport', 'tcp')).toBe(1)
    expect(out.join('')).toBe('')
    expect(err.join('')).toBe(`ringbridge: no answer to REGISTER from 127.0.0.1:${port} over tcp\n`)
    tcp?.close()
    expect(await register('127.0.0.1:1', '--transport', 'tcp', '--json')).toBe(1)
    expect(JSON.parse(out.join(''))).toEqual({
      event: 'no-answer',
      reason: 'no answer from 127.0.0.1:1 (ECONNREFUSED)',
    })
  })

  it('what cannot work is said at once: IPv6, a name without an address', async () => {
    expect(await register('[::1]:15060')).toBe(2)
    expect(err.join('')).toMatch(
      /^ringbridge: --server: \[::1\]:15060 is IPv6 and the test phone speaks IPv4 only/,
    )
    err = []
    expect(await register('no-such-host.invalid')).toBe(1)
    expect(err.join('')).toMatch(
      /^ringbridge: --server: no IPv4 address for no-such-host\.invalid \(\w+\)\n$/,
    )
    err = []
    expect(await register('a:b:c')).toBe(2)
  })

  it('a target without a domain is in the domain of the caller', () => {
    expect(addressOf('bob', 'alice@dht.example.com')).toBe('bob@dht.example.com')
    expect(addressOf('sip:bob@other.example', 'alice@dht.example.com')).toBe('bob@other.example')
    expect(addressOf('sip:bob', 'alice@dht.example.com')).toBe('bob@dht.example.com')
  })
})
