import { createRequire } from 'node:module'
import { Edit, parseMessage } from '../../src/sip/message/index.ts'
import {
  asNodeId,
  asResourceId,
  decodeMessage,
  decodeStoreReq,
  encodeContents,
  encodeMessage,
  encodeStoreReq,
  FRAGMENT_NONE,
  HeaderView,
  MESSAGE_CODE,
  rewriteForForwarding,
} from '../../src/reload/codec/index.ts'

const REGISTER = Buffer.from(
  [
    'REGISTER sip:dht.example.com SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK776asdhds;rport',
    'Max-Forwards: 70',
    'From: <sip:u0000001@dht.example.com>;tag=456248',
    'To: <sip:u0000001@dht.example.com>',
    'Call-ID: 843817637684230@998sdasdh09',
    'CSeq: 1826 REGISTER',
    'Contact: <sip:u0000001@127.0.0.1:5099>',
    'Expires: 3600',
    'User-Agent: bench',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n'),
)

const SDP =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8 101\r\na=sendrecv\r\n'
const INVITE = Buffer.from(
  [
    'INVITE sip:u0000002@dht.example.com SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK776asdhdt;rport',
    'Max-Forwards: 70',
    'From: "Caller" <sip:u0000001@dht.example.com>;tag=9fxced76sl',
    'To: <sip:u0000002@dht.example.com>',
    'Call-ID: 3848276298220188511@atlanta.example.com',
    'CSeq: 2 INVITE',
    'Contact: <sip:u0000001@127.0.0.1:5099>',
    'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE',
    'Supported: 100rel, replaces',
    'User-Agent: bench',
    'Content-Type: application/sdp',
    `Content-Length: ${SDP.length}`,
    '',
    SDP,
  ].join('\r\n'),
)

interface RivalParser {
  parse(text: string): unknown
}

/** Microseconds a call, best of five, so that the machine's noise counts least. */
function micros(turns: number, body: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  let kept: unknown
  for (let round = 0; round < 5; round++) {
    const began = performance.now()
    for (let turn = 0; turn < turns; turn++) kept = body()
    best = Math.min(best, ((performance.now() - began) * 1000) / turns)
  }
  if (kept === undefined) throw new Error('a figure for nothing')
  return best
}

/** Codec figures, each SIP one beside npm `sip` in the same run. */
export function codecFigures(): string[] {
  const rival = createRequire(import.meta.url)('sip') as RivalParser
  const lines: string[] = []
  for (const [name, bytes] of [
    ['REGISTER', REGISTER],
    ['INVITE', INVITE],
  ] as const) {
    const text = bytes.toString('latin1')
    const own = micros(50_000, () => parseMessage(bytes))
    const other = micros(5_000, () => rival.parse(text))
    lines.push(
      `SIP parse ${name}: ${own.toFixed(2)}; npm sip ${other.toFixed(2)}, ratio ${(other / own).toFixed(1)}`,
    )
  }
  lines.push(
    `SIP forward INVITE (parse, splice Via, Record-Route, Max-Forwards, write): ${micros(30_000, forwardInvite).toFixed(2)}`,
  )
  const store = storeMessage()
  lines.push(
    `RELOAD decode StoreReq (${store.length} bytes): ${micros(20_000, () => decodeStore(store)).toFixed(2)}`,
  )
  lines.push(
    `RELOAD forward (header view, via appended, rest copied): ${micros(50_000, () => forwardStore(store)).toFixed(2)}`,
  )
  return lines
}

function forwardInvite(): Uint8Array | undefined {
  const parsed = parseMessage(INVITE)
  if (!parsed.ok) return undefined
  const edit = new Edit(parsed.value)
  edit.requestUri('sip:u0000002@127.0.0.1:5098')
  edit.decrementMaxForwards()
  edit.prepend('record-route', '<sip:token@127.0.0.1:5060;lr>')
  edit.prepend('via', 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKabcdef;rport')
  return edit.toBytes()
}

function storeMessage(): Uint8Array {
  const nodeId = asNodeId(new Uint8Array(16).fill(7))
  const body = encodeStoreReq({
    resource: asResourceId(new Uint8Array(16).fill(9)),
    replicaNumber: 0,
    kindData: [
      {
        kind: 1,
        generationCounter: 0n,
        values: [
          {
            storageTime: 1n,
            lifetime: 3660,
            value: { model: 'dictionary', key: nodeId, value: { exists: true, value: new Uint8Array(40) } },
            signature: {
              hashAlgorithm: 4,
              signatureAlgorithm: 3,
              identity: { kind: 'certHash', hashAlgorithm: 4, hash: new Uint8Array(32) },
              value: new Uint8Array(70),
            },
          },
        ],
      },
    ],
  })
  const contents = encodeContents({ messageCode: MESSAGE_CODE.storeReq, body, extensions: [] })
  return encodeMessage(
    {
      overlay: 1,
      configurationSequence: 1,
      ttl: 100,
      fragment: FRAGMENT_NONE,
      transactionId: 1n,
      maxResponseLength: 0,
      viaList: [{ kind: 'node', nodeId }],
      destinationList: [{ kind: 'resource', resourceId: asResourceId(new Uint8Array(16).fill(9)) }],
      options: [],
    },
    contents,
    {
      certificates: [{ type: 0, certificate: new Uint8Array(450) }],
      signature: {
        hashAlgorithm: 4,
        signatureAlgorithm: 3,
        identity: { kind: 'certHash', hashAlgorithm: 4, hash: new Uint8Array(32) },
        value: new Uint8Array(70),
      },
    },
  )
}

function decodeStore(bytes: Uint8Array): unknown {
  const message = decodeMessage(bytes)
  return message.ok ? decodeStoreReq(message.value.contents.body, () => 'dictionary') : undefined
}

function forwardStore(bytes: Uint8Array): unknown {
  const view = HeaderView.read(bytes)
  if (view === undefined) return undefined
  return rewriteForForwarding(bytes, view, {
    ttl: view.ttl - 1,
    appendVia: { kind: 'node', nodeId: asNodeId(new Uint8Array(16).fill(8)) },
  })
}
