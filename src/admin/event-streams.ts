/**
 * What changes on this node, as server-sent events for the page. A look every second while somebody watches, none otherwise; each
 * kind of news is sent when it differs from what was sent last. The number of streams is bounded, and whoever does not read is
 * cut off.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ServerResponse } from 'node:http'
import { without } from '../common/without.ts'
import type { AdminNode } from './port.ts'
import { RingWatch } from './ring-watch.ts'
import { route, type Route } from './route.ts'

const STREAMS_MAX = 16
const TICK_MS = 1_000
/** Comments keep idle connections open; the server ends those that are silent for 30 s. */
const HEARTBEAT_TICKS = 10
/** Unread bytes of one stream. */
const BACKLOG_BYTES_MAX = 2 * 1024 * 1024
const BINDINGS_SHOWN = 200
const CALLS_SHOWN = 100

type Topic = 'peer' | 'ring' | 'walk' | 'storage' | 'bindings' | 'calls' | 'rates'

export class EventStreams {
  readonly route: Route = route({
    url: '/api/v1/events',
    tag: 'Overlay',
    summary: `What changes here, as server-sent events: peer, ring, walk, storage, bindings, calls, rates. At most ${STREAMS_MAX} streams.`,
    answers: {
      200: {
        description: 'Events whose data is what the paths of the same name answer.',
        type: 'text/event-stream',
      },
      503: { description: 'Too many streams.' },
    },
    handle: () => ({ status: 503, body: { error: 'no stream' } }),
  })
  private readonly node: AdminNode
  private readonly walks: RingWatch
  private readonly streams = new Set<ServerResponse>()
  /** What was sent last, by topic: the event as it goes over the wire, and what it is compared by. */
  private readonly sent = new Map<Topic, { readonly frame: string; readonly comparable: string }>()
  private timer: NodeJS.Timeout | undefined
  private ticks = 0

  constructor(node: AdminNode) {
    this.node = node
    this.walks = new RingWatch(node, (walk) => this.publish('walk', walk))
  }

  get size(): number {
    return this.streams.size
  }

  open(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    // RFC 9110 s.9.3.2: the head alone, and no stream that nobody reads.
    if (request.method === 'HEAD') return reply.type('text/event-stream; charset=utf-8').send('')
    if (this.streams.size >= STREAMS_MAX)
      return reply.code(503).header('retry-after', '10').send({ error: 'too many streams' })
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      connection: 'keep-alive',
    })
    this.streams.add(raw)
    raw.once('close', () => {
      this.streams.delete(raw)
      if (this.streams.size === 0) this.rest()
    })
    raw.on('error', () => undefined)
    if (this.timer === undefined) this.begin()
    for (const { frame } of this.sent.values()) raw.write(frame)
    return reply
  }

  close(): void {
    this.rest()
    for (const stream of this.streams) stream.destroy()
    this.streams.clear()
  }

  private begin(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS)
    this.timer.unref()
    this.walks.start()
    this.tick()
  }

  /** Nobody watches: nothing is looked at, and what was seen is old when somebody comes. */
  private rest(): void {
    clearInterval(this.timer)
    this.timer = undefined
    this.walks.stop()
    this.sent.clear()
  }

  private tick(): void {
    const { node } = this
    const ring = node.ring()
    this.publish('peer', { peer: node.peer(), checks: node.checks() })
    // Bytes and ages change all the time; who is there does not.
    const tables = without(ring, 'connections')
    const linked = ring.connections.map(({ nodeId, address, peer }) => `${nodeId} ${address} ${peer}`)
    const slow = this.ticks % 5 === 0
    if (this.publish('ring', ring, slow ? undefined : [tables, linked])) this.walks.changed()
    if (slow) this.publish('storage', node.storage())
    if (this.ticks % 2 === 0) {
      this.publish('rates', node.rates())
      const view = node.bindings(BINDINGS_SHOWN)
      const stable = view.bindings.map((binding) => without(binding, 'expiresS'))
      // Time runs off by itself; a REGISTER that prolongs it shows at the latest with the next round.
      this.publish('bindings', view, this.ticks % 20 === 0 ? undefined : [stable, view.total])
    }
    this.publish('calls', node.traces(CALLS_SHOWN), undefined)
    if (this.ticks++ % HEARTBEAT_TICKS === 0) this.write(': alive\n\n')
  }

  /** Sends what is new, judged by `comparable`; true when it was. */
  private publish(topic: Topic, value: unknown, comparable: unknown = value): boolean {
    const text = JSON.stringify(comparable)
    if (this.sent.get(topic)?.comparable === text) return false
    const frame = `event: ${topic}\ndata: ${JSON.stringify(value)}\n\n`
    this.sent.set(topic, { frame, comparable: text })
    this.write(frame)
    return true
  }

  private write(frame: string): void {
    for (const stream of this.streams) {
      if (stream.writableLength > BACKLOG_BYTES_MAX) stream.destroy()
      else stream.write(frame)
    }
  }
}
