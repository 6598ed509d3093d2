/**
 * Short questions to other nodes of this kind, and answers to theirs, each over a TLS flow of its own that AppAttach opens under a
 * private Application-ID (RFC 6940 s.14.5, docs/adr/0020-traces-of-calls.md). What is asked is text that nobody here reads.
 * One question a flow; who asks is proven by the certificate of the flow.
 */
import { fromUtf8, utf8 } from '../common/bytes.ts'
import type { Deadline } from '../common/deadlines.ts'
import type { Millis, Now } from '../common/time.ts'
import {
  key,
  nodeIdFromHex,
  sameId,
  type ChannelId,
  type CommandError,
  type CommandId,
  type PeerEvent,
} from '../reload/index.ts'
import { reasonOf } from './command-fault.ts'
import type { NodeAnswer } from './contract.ts'
import type { AdapterParts, AdapterTimer } from './parts.ts'
import { framed, TextFrame } from './text-frame.ts'

type FlowOpened = Extract<PeerEvent, { kind: 'appFlowOpened' }>

/** Of the range for private use. */
export const TALK_APPLICATION = 61_501
const QUESTION_BYTES_MAX = 16_384
export const ANSWER_BYTES_MAX = 524_288
/** Judgement: people wait for it. */
const ATTACH_MS: Millis = 4_000
const ANSWER_MS: Millis = 5_000
/** Somebody who asked and does not go away. */
const LINGER_MS: Millis = 15_000
/** Questions of others under way at one time, each a TLS flow; and of one node. */
const SERVED_MAX = 16
const SERVED_PER_NODE_MAX = 4

interface Asked {
  readonly query: number
  readonly text: string
  readonly beganMs: Millis
}

interface Channel {
  readonly id: ChannelId
  /** Far end in hex. */
  readonly node: string
  /** What we have asked; undefined for a flow on which we are asked. */
  readonly asked: Asked | undefined
  readonly frame: TextFrame
  readonly deadline: Deadline<AdapterTimer>
  answered: boolean
}

export class NodeTalk {
  private readonly parts: AdapterParts
  private readonly attaching = new Map<CommandId, Asked>()
  private readonly channels = new Map<ChannelId, Channel>()

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  /** Asks a node, named in hex; the query is answered by `told`. */
  ask(now: Now, query: number, node: string, text: string): void {
    const nodeId = nodeIdFromHex(node)
    if (nodeId === undefined || sameId(nodeId, this.parts.self))
      return this.answer(query, { kind: 'failed', reason: 'no other node' })
    const id = this.parts.nextId()
    this.attaching.set(id, { query, text, beganMs: now.ms })
    this.parts.command({
      kind: 'appAttach',
      id,
      destinations: [{ kind: 'node', nodeId }],
      application: TALK_APPLICATION,
      timeoutMs: ATTACH_MS,
    })
  }

  owns(channel: ChannelId): boolean {
    return this.channels.has(channel)
  }

  opened(now: Now, { id, channel, nodeId }: FlowOpened): void {
    const asked = id === undefined ? undefined : this.attaching.get(id)
    if (id !== undefined) this.attaching.delete(id)
    if (asked === undefined && !this.admits(key(nodeId))) return this.hangUp(channel)
    const wait = asked === undefined ? LINGER_MS : ANSWER_MS
    this.channels.set(channel, {
      id: channel,
      node: key(nodeId),
      // What it took to get there says nothing about the clock of the other node.
      asked: asked === undefined ? undefined : { ...asked, beganMs: now.ms },
      frame: new TextFrame(asked === undefined ? QUESTION_BYTES_MAX : ANSWER_BYTES_MAX),
      deadline: this.parts.deadlines.set(now.ms + wait, { part: 'talk', channel }),
      answered: false,
    })
    if (asked !== undefined) this.send(channel, asked.text)
  }

  /** True when the failed AppAttach was one of ours. */
  failed(id: CommandId, error: CommandError): boolean {
    const asked = this.attaching.get(id)
    if (asked === undefined) return false
    this.attaching.delete(id)
    this.answer(asked.query, { kind: 'failed', reason: reasonOf(error) })
    return true
  }

  data(now: Now, id: ChannelId, bytes: Uint8Array): void {
    const channel = this.channels.get(id)
    if (channel === undefined) return
    const read = channel.frame.push(bytes)
    if (read === 'incomplete') return
    const { asked, node } = channel
    if (asked !== undefined) {
      this.end(channel)
      this.answer(
        asked.query,
        read === 'tooLong'
          ? { kind: 'failed', reason: 'the answer is too long' }
          : { kind: 'told', text: fromUtf8(read), rttMs: now.ms - asked.beganMs },
      )
      return
    }
    if (read === 'tooLong' || channel.answered) return this.end(channel)
    channel.answered = true
    this.send(id, this.parts.report?.(now, node, fromUtf8(read)) ?? '')
  }

  closed(id: ChannelId): void {
    const channel = this.channels.get(id)
    if (channel === undefined) return
    this.forget(channel)
    if (channel.asked !== undefined)
      this.answer(channel.asked.query, { kind: 'failed', reason: 'the other node hung up' })
  }

  /** Too long without the end of it. */
  timeout(id: ChannelId): void {
    const channel = this.channels.get(id)
    if (channel === undefined) return
    this.end(channel)
    if (channel.asked !== undefined)
      this.answer(channel.asked.query, { kind: 'failed', reason: 'no answer in time' })
  }

  private admits(node: string): boolean {
    let all = 0
    let own = 0
    for (const channel of this.channels.values()) {
      if (channel.asked !== undefined) continue
      all++
      if (channel.node === node) own++
    }
    return all < SERVED_MAX && own < SERVED_PER_NODE_MAX
  }

  private end(channel: Channel): void {
    this.forget(channel)
    this.hangUp(channel.id)
  }

  private forget({ id, deadline }: Channel): void {
    this.channels.delete(id)
    this.parts.deadlines.cancel(deadline)
  }

  private hangUp(channel: ChannelId): void {
    this.parts.outbox.push({ to: 'channel', channel, bytes: undefined })
  }

  private send(channel: ChannelId, text: string): void {
    this.parts.outbox.push({ to: 'channel', channel, bytes: framed(utf8(text)) })
  }

  private answer(id: number, answer: NodeAnswer): void {
    this.parts.shell({ kind: 'answer', id, answer })
  }
}
