/**
 * What it costs a peer to pass messages on, over real TLS links between real processes: `ringbridge testbed` in the middle,
 * nodes with certificates of its overlay at both ends in this process. Every near node has Pings for a far node, source-routed
 * [middle, far]; every far node answers each. Beside it the same traffic through a relay that is node:tls and nothing else.
 */
import {
  decodeMessage,
  encodeContents,
  encodeMessage,
  encodePingAns,
  encodePingReq,
  FRAGMENT_NONE,
  HeaderView,
  MESSAGE_CODE,
  NodeCrypto,
  overlayHash,
  signMessage,
  type Credential,
  type NodeId,
} from '../../src/reload/index.ts'
import { issueCredential, openAuthority } from '../../src/enrollment/io/index.ts'
import { answerHeader } from '../../src/reload/transactions/server.ts'
import { LinkEnd } from './link-end.ts'
import { cpuSeconds } from './load.ts'
import { ringbridge, tlsRelay, type Server } from './servers.ts'

const OVERLAY = 'dht.example.com'
const HOST = '127.0.0.1'
const ROUNDS = 4
/** Pings signed in advance for each pair, used in turn; the middle neither verifies nor remembers what it passes on. */
const SIGNED = 64

interface Load {
  readonly name: string
  /**
   * A link brings at most 5,000 messages a second, with a burst of 10,000 (peer/constants.ts). The pairs are as many, and
   * their Pings as few, that this limit of the product is never reached.
   */
  readonly pairs: number
  /** Pings of a pair without an answer yet. */
  readonly window: number
  readonly pings: number
}

const LOADS: readonly Load[] = [
  { name: 'pipelined, 8 pairs of links, 32 Pings under way on each', pairs: 8, window: 32, pings: 6_000 },
  { name: 'one Ping at a time', pairs: 1, window: 1, pings: 8_000 },
]

interface Pair {
  readonly near: LinkEnd
  readonly far: LinkEnd
  readonly requests: readonly Uint8Array[]
  readonly answers: readonly Uint8Array[]
}

interface Figures {
  /** CPU microseconds of the process in the middle a message. */
  readonly cpuUs: number
  /** Messages passed on a second. */
  readonly rate: number
}

/** Lines for people: CPU-us a forwarded message, beside the relay's. */
export async function forwardingFigures(basePort: number): Promise<string[]> {
  const peer = await ringbridge(1, 0, 'none', basePort)
  const credentials = await endCredentials(peer)
  const first = credentials[0]
  if (first === undefined) throw new Error('no credentials')
  const relay = await tlsRelay(basePort + 60, first)
  try {
    const lines: string[] = []
    for (const load of LOADS) lines.push(...(await compare(load, peer, relay, credentials)))
    return lines
  } finally {
    await peer.stop()
    await relay.stop()
  }
}

async function compare(
  load: Load,
  peer: Server,
  relay: Server,
  credentials: readonly Credential[],
): Promise<string[]> {
  const own: Figures[] = []
  const others: Figures[] = []
  for (let round = 0; round < ROUNDS; round++) {
    own.push(await measure(load, peer, credentials))
    others.push(await measure(load, relay, credentials))
  }
  const best = cheapest(own)
  const rival = cheapest(others)
  return [
    `${load.name}:`,
    `  ringbridge: ${described(best)}, ${perCore(best)} messages/s a core`,
    `  bare node:tls relay: ${described(rival)}; ringbridge / relay ${(best.cpuUs / rival.cpuUs).toFixed(1)}`,
  ]
}

function described({ cpuUs, rate }: Figures): string {
  return `${cpuUs.toFixed(1)} CPU-us a message passed on, at ${rate.toFixed(0)} messages/s`
}

function perCore({ cpuUs }: Figures): string {
  return (1e6 / cpuUs).toFixed(0)
}

function cheapest(figures: readonly Figures[]): Figures {
  return [...figures].sort((a, b) => a.cpuUs - b.cpuUs)[0] ?? { cpuUs: NaN, rate: NaN }
}

/** One round on new links: every Ping and every answer is one message passed on. */
async function measure(load: Load, server: Server, credentials: readonly Credential[]): Promise<Figures> {
  const pairs: Pair[] = []
  for (let index = 0; index < load.pairs; index++) {
    const near = credentials[2 * index]
    const far = credentials[2 * index + 1]
    if (near === undefined || far === undefined) throw new Error('too few credentials')
    pairs.push(await pairOf(near, far, server.links[0] ?? ''))
  }
  try {
    // Warm-up: the code of both processes is compiled, and the first answers prove that the messages are what they should be.
    await ping(pairs, load, Math.ceil(load.pings / 4))
    const [pid = 0] = server.pids
    const counted = await passedOn(server)
    const cpu = cpuSeconds(pid)
    const began = performance.now()
    await ping(pairs, load, load.pings)
    const seconds = (performance.now() - began) / 1000
    const used = cpuSeconds(pid) - cpu
    const messages = 2 * load.pairs * load.pings
    await checkCounter(server, counted, messages)
    return { cpuUs: (used * 1e6) / messages, rate: messages / seconds }
  } finally {
    for (const { near, far } of pairs) await Promise.all([near.close(), far.close()])
  }
}

/** The peer itself has to say that it passed on as many, and dropped none. */
async function checkCounter(server: Server, before: number, messages: number): Promise<void> {
  if (server.admins.length === 0) return
  const counted = (await passedOn(server)) - before
  if (counted < messages || counted > messages * 1.01)
    throw new Error(`the peer counted ${counted} messages passed on instead of ${messages}`)
}

async function passedOn(server: Server): Promise<number> {
  const [admin] = server.admins
  if (admin === undefined) return 0
  const text = await (await fetch(`http://${admin}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith('p2psip_overlay_forwarded_total'))
  return Number(line?.split(' ').at(-1))
}

/** Keeps `window` Pings of every pair under way until `count` of each have their answers. */
async function ping(pairs: readonly Pair[], { window }: Load, count: number): Promise<void> {
  await Promise.all(pairs.map((pair) => pingOne(pair, window, count)))
}

function pingOne({ near, far, requests, answers }: Pair, window: number, count: number): Promise<void> {
  let asked = 0
  let served = 0
  let answered = 0
  const ask = (): void => near.send(requests[asked++ % SIGNED] as Uint8Array)
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${answered} of ${count} answers came`)), 120_000)
    far.onMessage = (message): void => {
      if (!isOurs(message)) return
      if (served === 0 && codeOf(message) !== MESSAGE_CODE.pingReq)
        reject(new Error(`message code ${codeOf(message)} came instead of a Ping`))
      far.send(answers[served++ % SIGNED] as Uint8Array)
    }
    near.onMessage = (message): void => {
      if (!isOurs(message)) return
      if (answered === 0 && codeOf(message) !== MESSAGE_CODE.pingAns)
        reject(new Error(`message code ${codeOf(message)} came instead of an answer`))
      answered++
      if (asked < count) return ask()
      if (answered < count) return
      clearTimeout(late)
      resolve()
    }
    for (let i = 0; i < Math.min(window, count); i++) ask()
  })
}

/** Our transaction ids are small numbers; the peer in the middle has requests of its own for new neighbors. */
function isOurs(bytes: Uint8Array): boolean {
  const view = HeaderView.read(bytes)
  return view !== undefined && view.transactionId <= BigInt(SIGNED)
}

function codeOf(bytes: Uint8Array): number | undefined {
  const message = decodeMessage(bytes)
  return message.ok ? message.value.contents.messageCode : undefined
}

async function pairOf(nearOwner: Credential, farOwner: Credential, target: string): Promise<Pair> {
  const [host = HOST, port = ''] = target.split(':')
  const near = new LinkEnd(nearOwner)
  const far = new LinkEnd(farOwner)
  await near.open(host, Number(port))
  await far.open(host, Number(port))
  const middle = nodeIdOf(near.farCertificate)
  const crypto = new NodeCrypto()
  const overlay = overlayHash(OVERLAY, (bytes) => crypto.hash('sha1', [bytes]))
  const requests: Uint8Array[] = []
  const answers: Uint8Array[] = []
  for (let turn = 0; turn < SIGNED; turn++) {
    const transactionId = BigInt(turn) + 1n
    const request = encodeContents({
      messageCode: MESSAGE_CODE.pingReq,
      body: encodePingReq({ padding: new Uint8Array(0) }),
      extensions: [],
    })
    requests.push(
      encodeMessage(
        {
          overlay,
          configurationSequence: 1,
          ttl: TTL,
          fragment: FRAGMENT_NONE,
          transactionId,
          maxResponseLength: 0,
          viaList: [],
          destinationList: [
            { kind: 'node', nodeId: middle },
            { kind: 'node', nodeId: farOwner.nodeId },
          ],
          options: [],
        },
        request,
        signMessage(crypto, nearOwner, { overlay, transactionId, contentsBytes: request }),
      ),
    )
    const answer = encodeContents({
      messageCode: MESSAGE_CODE.pingAns,
      body: encodePingAns({ responseId: transactionId, time: 1n }),
      extensions: [],
    })
    const viaList = [{ kind: 'node', nodeId: nearOwner.nodeId }] as const
    answers.push(
      encodeMessage(
        answerHeader({ overlay, transactionId, viaList, options: [] }, middle, {
          configurationSequence: 1,
          initialTtl: TTL,
        }),
        answer,
        signMessage(crypto, farOwner, { overlay, transactionId, contentsBytes: answer }),
      ),
    )
  }
  return { near, far, requests, answers }
}

/** Above the initial-ttl of the overlay a message is refused; two hops is all that these need. */
const TTL = 10

function nodeIdOf(certificate: Uint8Array): NodeId {
  const parsed = new NodeCrypto().parseCertificate(certificate, OVERLAY)
  const nodeId = parsed.ok ? parsed.value.nodeIds[0] : undefined
  if (nodeId === undefined) throw new Error('the middle shows no Node-ID')
  return nodeId
}

/** Certificates for all ends, from the authority of the testbed. */
async function endCredentials(peer: Server): Promise<Credential[]> {
  const authority = await openAuthority(`${peer.folder}/authority`, OVERLAY, Date.now())
  const credentials: Credential[] = []
  for (let index = 0; index < 2 * Math.max(...LOADS.map(({ pairs }) => pairs)); index++) {
    const issued = await issueCredential(authority, { userName: `end${index}@${OVERLAY}` }, Date.now())
    if (!issued.ok) throw new Error(issued.error.reason)
    credentials.push(issued.value.credential)
  }
  await authority.close()
  return credentials
}
