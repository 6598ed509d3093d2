/** Valid messages of all kinds to be broken: what a phone at `host`:`port` sends to users of a domain. */
export interface SeedFacts {
  readonly domain: string
  /** Address of the sender for Via and Contact. */
  readonly host: string
  readonly port: number
  readonly transport: string
  /** Makes branch, Call-ID and tags its own. */
  readonly number: number
  readonly from: string
  readonly to: string
}

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.9',
  's=-',
  'c=IN IP4 192.0.2.9',
  't=0 0',
  'm=audio 49170 RTP/AVP 0 8 97',
  'a=rtpmap:97 iLBC/8000',
  '',
].join('\r\n')

const MULTIPART = [
  '--b1',
  'Content-Type: application/sdp',
  '',
  SDP,
  '--b1',
  'Content-Type: text/plain',
  '',
  'hello',
  '--b1--',
  '',
].join('\r\n')

type Seed = (facts: SeedFacts) => string

function message(
  method: string,
  uri: string,
  facts: SeedFacts,
  extra: readonly string[],
  init: { readonly body?: string; readonly cseq?: number; readonly to?: string } = {},
): string {
  const { domain, host, port, transport, number, from, to } = facts
  const { body = '', cseq = 1 } = init
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${host}:${port};branch=z9hG4bK-${number};rport`,
    'Max-Forwards: 70',
    `From: "Caller" <sip:${from}@${domain}>;tag=f${number}`,
    `To: <sip:${to}@${domain}>${init.to ?? ''}`,
    `Call-ID: call-${number}@${host}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:${from}@${host}:${port};transport=${transport.toLowerCase()}>`,
    ...extra,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

const aor = ({ to, domain }: SeedFacts): string => `sip:${to}@${domain}`

export const SEEDS: readonly Seed[] = [
  (f) =>
    message('REGISTER', `sip:${f.domain}`, { ...f, to: f.from }, [
      'Expires: 600',
      'Supported: path, outbound, gruu',
    ]),
  (f) =>
    message('REGISTER', `sip:${f.domain}`, { ...f, to: f.from }, [
      `Contact: <sip:${f.from}@${f.host}:${f.port}>;q=0.7;expires=120;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>";reg-id=1;audio;methods="INVITE,BYE"`,
      'Path: <sip:edge.example.net;lr;ob>',
      'Require: path',
    ]),
  (f) => message('REGISTER', `sip:${f.domain}`, { ...f, to: f.from }, ['Contact: *', 'Expires: 0']),
  (f) =>
    message('REGISTER', `sip:${f.domain}`, { ...f, to: f.from }, [
      `Authorization: Digest username="${f.from}", realm="${f.domain}", nonce="bm9uY2U", uri="sip:${f.domain}", response="0123456789abcdef0123456789abcdef", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"`,
    ]),
  (f) =>
    message(
      'INVITE',
      aor(f),
      f,
      ['Allow: INVITE, ACK, CANCEL, BYE', 'Supported: timer, 100rel', 'Content-Type: application/sdp'],
      { body: SDP },
    ),
  (f) =>
    message(
      'INVITE',
      `${aor(f)};user=phone`,
      f,
      [
        'Accept-Contact: *;audio;require;explicit, *;methods="INVITE";class="business"',
        'Reject-Contact: *;actor="msg-taker"',
        'Request-Disposition: proxy, fork, parallel, recurse',
        'Session-Expires: 1800;refresher=uac',
        'Min-SE: 90',
        'P-Asserted-Identity: "A" <sip:a@example.org>, <tel:+15551234>',
        'Privacy: id;critical',
        'Max-Breadth: 6',
        'Content-Type: multipart/mixed;boundary=b1',
      ],
      { body: MULTIPART },
    ),
  (f) =>
    message('INVITE', `sip:x@elsewhere.example`, f, [
      `Route: <sip:${f.domain};lr>, <sip:proxy.example.net:5070;lr>, <sips:last.example.net>`,
      'Proxy-Require: sec-agree',
    ]),
  (f) => message('ACK', aor(f), f, [], { to: ';tag=t1' }),
  (f) => message('CANCEL', aor(f), f, ['Reason: SIP;cause=200;text="done"']),
  (f) =>
    message('BYE', `sip:${f.to}@${f.host}:${f.port}`, f, [`Route: <sip:abcdef@${f.domain};lr>`], {
      to: ';tag=t1',
      cseq: 2,
    }),
  (f) => message('OPTIONS', `sip:${f.domain}`, f, ['Accept: application/sdp', 'Accept-Language: en']),
  (f) => message('OPTIONS', aor(f), f, ['Timestamp: 54.2']),
  (f) => message('MESSAGE', aor(f), f, ['Content-Type: text/plain;charset=utf-8'], { body: 'hello world' }),
  (f) =>
    message('SUBSCRIBE', aor(f), f, ['Event: presence;id=7', 'Expires: 300', 'Accept: application/pidf+xml']),
  (f) => message('SUBSCRIBE', aor(f), f, ['Event: reg', 'Expires: 0']),
  (f) =>
    message(
      'NOTIFY',
      aor(f),
      f,
      [
        'Event: message-summary',
        'Subscription-State: active;expires=60',
        'Content-Type: application/simple-message-summary',
      ],
      {
        body: 'Messages-Waiting: yes\r\n',
      },
    ),
  (f) => message('PUBLISH', aor(f), f, ['Event: presence', 'SIP-If-Match: abc', 'Expires: 60']),
  (f) =>
    message('REFER', aor(f), f, [`Refer-To: <sip:c@${f.domain}?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>`]),
  (f) => message('UPDATE', aor(f), f, ['Session-Expires: 90'], { to: ';tag=t1', cseq: 3 }),
  (f) => message('x-%41unknown', aor(f), f, ['X-Odd: ;;,,;;,;']),
  (f) => message('INVITE', `sip:${f.to}@${f.domain};gr=ARAAESIzRFVmd4iZqrvM3e7/`, f, []),
  (f) => message('OPTIONS', 'tel:+1-555-1234', f, []),
]

/** A valid response to a request that has come in, as text. */
export function responseTo(request: string, status: number, number: number): string {
  const [head = ''] = request.split('\r\n\r\n')
  const kept = head
    .split('\r\n')
    .filter((line) => /^(via|from|to|call-id|cseq|record-route|v|f|t|i):/i.test(line))
  const lines = kept.map((line) =>
    /^(to|t):/i.test(line) && !line.includes(';tag=') ? `${line};tag=r${number}` : line,
  )
  const extra =
    status < 300
      ? [
          'Contact: <sip:bob@192.0.2.77:5060>',
          'Supported: timer',
          'Session-Expires: 1800;refresher=uas',
          'Content-Type: application/sdp',
        ]
      : status < 400
        ? ['Contact: <sip:other@dht.example.com>;q=0.5, <sip:x@elsewhere.example>']
        : [
            'Retry-After: 5 (soon);duration=3',
            'Warning: 399 x "y"',
            'Proxy-Authenticate: Digest realm="x", nonce="y"',
          ]
  const body = status < 300 ? SDP : ''
  return [`SIP/2.0 ${status} Because`, ...lines, ...extra, `Content-Length: ${body.length}`, '', body].join(
    '\r\n',
  )
}
