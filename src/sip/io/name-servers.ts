/** Puts DNS questions to name servers, by UDP and where an answer does not fit by TCP; each question from a port of its own. */
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import type { Random } from '../../common/random.ts'
import {
  decodeAnswer,
  encodeQuery,
  type DecodedAnswer,
  type RecordAnswer,
  type RecordType,
} from '../location/index.ts'

export interface NameServer {
  /** IP literal. */
  readonly host: string
  readonly port: number
}

/** Time for one server to answer by UDP: in the first round, and in the second, when all were silent. */
const ANSWER_WITHIN_MS: readonly number[] = [1_000, 2_000]
const TCP_WITHIN_MS = 2_000
/** Questions under way; each holds a socket. */
const QUESTIONS_MAX = 512
/** The servers of the system are asked for again after this time, since networks change. */
const SYSTEM_SERVERS_MS = 30_000
/** An answer of more bytes is none of ours (RFC 1035 s.4.2.2). */
const TCP_BYTES_MAX = 65_535
const ID_MAX = 0x1_0000

export class NameServers {
  private readonly random: Random
  private readonly configured: readonly NameServer[]
  private system: { readonly servers: readonly NameServer[]; readonly until: number } | undefined
  private underWay = 0

  /** No `servers`: those of the system (/etc/resolv.conf). */
  constructor(components: { readonly random: Random }, init: { readonly servers: readonly NameServer[] }) {
    this.random = components.random
    this.configured = init.servers
  }

  /** Never rejects. Server after server, twice; the first answer counts, be it that there is nothing. */
  async ask<T extends RecordType>(name: string, type: T, withinMs: number): Promise<RecordAnswer<T>> {
    if (this.underWay >= QUESTIONS_MAX) return { kind: 'failed', reason: 'too many questions at once' }
    this.underWay++
    try {
      return await this.rounds(name, type, performance.now() + withinMs)
    } finally {
      this.underWay--
    }
  }

  private async rounds<T extends RecordType>(
    name: string,
    type: T,
    deadline: number,
  ): Promise<RecordAnswer<T>> {
    let reason = 'no name server'
    for (const patience of ANSWER_WITHIN_MS) {
      for (const server of this.servers()) {
        const left = deadline - performance.now()
        if (left <= 0) return { kind: 'failed', reason }
        const answer = await this.one(server, name, type, Math.min(patience, left), deadline)
        if (answer.kind !== 'failed') return answer
        reason = answer.reason
        if (reason === NO_NAME) return answer
      }
    }
    return { kind: 'failed', reason }
  }

  private async one<T extends RecordType>(
    server: NameServer,
    name: string,
    type: T,
    withinMs: number,
    deadline: number,
  ): Promise<RecordAnswer<T>> {
    const id = this.random.int(ID_MAX)
    const query = encodeQuery(id, name, type)
    if (query === undefined) return { kind: 'failed', reason: NO_NAME }
    const read = (bytes: Uint8Array): DecodedAnswer<T> | undefined => {
      const decoded = decodeAnswer(bytes, id, name, type)
      return decoded.ok ? decoded.value : undefined
    }
    const short = await byUdp(server, query, read, withinMs)
    if (short.kind !== 'truncated') return short
    const left = Math.min(TCP_WITHIN_MS, deadline - performance.now())
    return byTcp(server, query, read, Math.max(1, left))
  }

  private servers(): readonly NameServer[] {
    if (this.configured.length > 0) return this.configured
    const now = performance.now()
    if (this.system === undefined || this.system.until <= now) {
      this.system = { servers: systemServers(), until: now + SYSTEM_SERVERS_MS }
    }
    return this.system.servers
  }
}

const NO_NAME = 'not a DNS name'

/** `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`; undefined for anything else. */
export function parseNameServer(text: string): NameServer | undefined {
  if (isIP(text) !== 0) return { host: text, port: 53 }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3])
  return isIP(host) === 0 || port < 1 || port > 65_535 ? undefined : { host, port }
}

function systemServers(): NameServer[] {
  // A resolver that is made anew reads the file anew.
  return new Resolver().getServers().flatMap((text) => parseNameServer(text) ?? [])
}

type Read<T extends RecordType> = (bytes: Uint8Array) => DecodedAnswer<T> | undefined

/** The socket is connected: only the server that was asked is heard, and a closed port is known at once. */
function byUdp<T extends RecordType>(
  { host, port }: NameServer,
  query: Uint8Array,
  read: Read<T>,
  withinMs: number,
): Promise<RecordAnswer<T> | { readonly kind: 'truncated' }> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
    let done = false
    const settle = (answer: RecordAnswer<T> | { readonly kind: 'truncated' }): void => {
      if (done) return
      done = true
      clearTimeout(patience)
      socket.close()
      resolve(answer)
    }
    const patience = setTimeout(() => settle({ kind: 'failed', reason: `${host} is silent` }), withinMs)
    socket.on('error', (error) => settle({ kind: 'failed', reason: `${host}: ${codeOf(error)}` }))
    socket.on('message', (bytes) => {
      const decoded = read(bytes)
      // What cannot be read or answers another question may be forged: the right one may still come.
      if (decoded === undefined || decoded.kind === 'foreign') return
      settle(decoded.kind === 'answer' ? decoded.answer : decoded)
    })
    socket.connect(port, host, () => {
      if (!done) socket.send(query)
    })
  })
}

function byTcp<T extends RecordType>(
  { host, port }: NameServer,
  query: Uint8Array,
  read: Read<T>,
  withinMs: number,
): Promise<RecordAnswer<T>> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let received = Buffer.alloc(0)
    const settle = (answer: RecordAnswer<T>): void => {
      clearTimeout(patience)
      socket.destroy()
      resolve(answer)
    }
    const failed = (reason: string): void => settle({ kind: 'failed', reason: `${host}: ${reason}` })
    const patience = setTimeout(() => failed('silent by TCP'), withinMs)
    socket.on('connect', () => socket.write(Buffer.concat([lengthOf(query), query])))
    socket.on('error', (error) => failed(codeOf(error)))
    socket.on('end', () => failed('closed'))
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      if (received.length > TCP_BYTES_MAX + 2) return failed('too long an answer')
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const decoded = read(received.subarray(2, 2 + received.readUInt16BE(0)))
      if (decoded?.kind === 'answer') settle(decoded.answer)
      else failed('no answer to the question')
    })
  })
}

function lengthOf(query: Uint8Array): Uint8Array {
  return Uint8Array.of(query.length >>> 8, query.length & 0xff)
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message
}
