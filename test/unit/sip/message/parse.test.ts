import { describe, expect, it } from 'vitest'
import { DEFAULT_PARSE_LIMITS, buildResponse, parseMessage } from '../../../../src/sip/message/index.ts'
import { bytes, faultOf, parsed, request, response, text, verdict } from './sample.ts'

describe('parseMessage: start line', () => {
  it('S3261-7.1-01 reads method, URI and version, the version in any case', () => {
    const message = parsed(request({}, 'INVITE sip:bob@dht.example.com sIp/2.0'))
    expect(message.isRequest).toBe(true)
    expect(message.method).toBe('INVITE')
    expect(message.requestUri).toBe('sip:bob@dht.example.com')
    expect(parsed(response()).status).toBe(200)
    expect(parsed(response({}, 'SIP/2.0 486 Busy Here')).reasonPhrase).toBe('Busy Here')
  })

  it.each([
    'INVITE <sip:bob@dht.example.com> SIP/2.0',
    'INVITE sip:bob@dht.example.com; lr SIP/2.0',
    'INVITE sip:bob\x01@dht.example.com SIP/2.0',
    'INVITE sip:bob@dht.example.com\t;x SIP/2.0',
    'INVITE sip:bob@dht.example.com?Route=%3Csip:x%3E SIP/2.0',
    'INVITE sip:2001:db8::10 SIP/2.0',
    'INVITE sip:bob%4@dht.example.com SIP/2.0',
    'INVITE bob SIP/2.0',
  ])('S3261-7.1-02 E13 %s is a bad Request-URI', (startLine) => {
    expect(verdict(request({}, startLine))).toBe('400 Bad Request-URI')
  })

  it.each([
    'INVITE  sip:bob@dht.example.com SIP/2.0',
    'INVITE sip:bob@dht.example.com',
    'INVITE',
    'IN<V sip:b@c SIP/2.0',
  ])('E02 %s is a bad request line, answered because the rest is usable', (startLine) => {
    const fault = faultOf(request({}, startLine))
    expect(fault).toMatchObject({ status: 400, reason: 'Bad Request-Line', close: false })
    expect(fault?.headers?.[0]?.[0]).toBe('Warning')
    expect(fault?.headers?.[0]?.[1]).toMatch(/^399 /)
  })

  it('E01 a start line and Via that make no sense are dropped, and a stream is closed', () => {
    expect(verdict(bytes('hello world\r\n\r\n'))).toBe('drop +close')
    expect(verdict(bytes('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n'))).toBe('drop +close')
    expect(verdict(request({ Via: 'nonsense' }, 'rubbish'))).toBe('drop +close')
    expect(verdict(bytes(''))).toBe('drop')
    expect(verdict(bytes('\r\n\r\n'))).toBe('drop')
  })

  it('E03 another version is answered with 505', () => {
    expect(verdict(request({}, 'INVITE sip:bob@dht.example.com SIP/3.0'))).toBe('505 Version Not Supported')
    expect(verdict(request({}, 'INVITE sip:bob@dht.example.com SIP/2.00'))).toBe('505 Version Not Supported')
  })

  it.each([
    'SIP/2.0 99 Low',
    'SIP/2.0 700 High',
    'SIP/2.0 4294967301 Far',
    'SIP/2.0 2x0 OK',
    'SIP/2.0 20',
    'SIP/1.0 200 OK',
  ])('E57 %s is dropped', (startLine) => {
    expect(verdict(response({}, startLine))).toBe('drop')
  })
})

describe('parseMessage: headers', () => {
  it('S3261-7.3-01 names in any case, folding reads as one blank, quoted strings keep their case', () => {
    const message = parsed(
      request({ 'mAX-fORWARDS': '12', 'Max-Forwards': undefined, Subject: 'one\r\n  two\r\n\tthree' }),
    )
    expect(message.maxForwards).toBe(12)
    expect(message.header('subject')).toBe('one two three')
    expect(message.from.display).toBe('Alice')
    expect(parsed(request({ Contact: '<sip:a@b>;+SIP.Instance="<urn:UUID:Ab>"' })).contacts()).toMatchObject({
      value: [{ params: new Map([['+sip.instance', '"<urn:UUID:Ab>"']]) }],
    })
  })

  it('S3261-7.3-01 a value may begin on the next line', () => {
    expect(parsed(request({ 'Call-ID': '\r\n  folded@x' })).callId).toBe('folded@x')
    expect(
      parsed(request({ Via: 'SIP / 2.0 /\r\n UDP 192.0.2.9\r\n ; branch = z9hG4bKx' })).topVia,
    ).toMatchObject({
      host: '192.0.2.9',
      branch: 'z9hG4bKx',
    })
  })

  it('S3261-7.3-02 a comma list reads as repeated headers, except for credentials', () => {
    const list = parsed(request({ Route: '<sip:a;lr>, <sip:b;x=",">;p="q,r" ,<sip:c,d>' }))
    expect(list.values('route')).toEqual(['<sip:a;lr>', '<sip:b;x=",">;p="q,r"', '<sip:c,d>'])
    const lines = parsed(request({ Route: ['<sip:a;lr>', '<sip:b>, <sip:c>'] }))
    expect(lines.values('route')).toEqual(['<sip:a;lr>', '<sip:b>', '<sip:c>'])
    expect(lines.headers('route')).toEqual(['<sip:a;lr>', '<sip:b>, <sip:c>'])
    const credentials = 'Digest username="u", realm="r"'
    expect(parsed(request({ Authorization: [credentials, credentials] })).headers('authorization')).toEqual([
      credentials,
      credentials,
    ])
  })

  it('S3261-7.3-03 compact forms, mixed with long ones', () => {
    const message = parsed(
      bytes(
        'OPTIONS sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h1;branch=z9hG4bK1\r\nVia: SIP/2.0/TCP h2\r\nV: SIP/2.0/TCP h3\r\nf: <sip:x@y>;tag=1\r\nt: <sip:z@y>\r\n' +
          'i: id\r\nCSeq: 1 OPTIONS\r\nm: <sip:m@n>\r\nM: <sip:o@p>\r\ne: gzip\r\nc: text/plain\r\ns: subject\r\nk: path\r\nl: 3\r\n' +
          'o: reg\r\nu: reg\r\nr: <sip:r@r>\r\nb: <sip:b@b>\r\na: *\r\nd: fork\r\nj: *;x\r\nx: 90\r\ny: id\r\nn: info\r\n\r\nabc',
      ),
    )
    expect(message.vias().map((via) => via.host)).toEqual(['h1', 'h2', 'h3'])
    expect([message.from.uri, message.to.uri, message.callId]).toEqual(['sip:x@y', 'sip:z@y', 'id'])
    expect(message.values('contact')).toEqual(['<sip:m@n>', '<sip:o@p>'])
    const names = [
      'content-encoding',
      'content-type',
      'subject',
      'supported',
      'content-length',
      'event',
      'allow-events',
    ]
    expect(names.map((name) => message.header(name))).toEqual([
      'gzip',
      'text/plain',
      'subject',
      'path',
      '3',
      'reg',
      'reg',
    ])
    const rest = [
      'refer-to',
      'referred-by',
      'accept-contact',
      'request-disposition',
      'reject-contact',
      'session-expires',
      'identity',
      'identity-info',
    ]
    expect(rest.map((name) => message.header(name))).toEqual([
      '<sip:r@r>',
      '<sip:b@b>',
      '*',
      'fork',
      '*;x',
      '90',
      'id',
      'info',
    ])
  })

  it('S-11 blanks before the colon do not change which header it is', () => {
    for (const gap of ['', ' ', '\t', ' \t  ']) {
      const raw = text(request()).replace('To: <', `To${gap}: <`).replace('CSeq:', `CSeq${gap}:`)
      const message = parsed(bytes(raw))
      expect(message.to.uri).toBe('sip:bob@dht.example.com')
      expect(text(buildResponse(message, 200, 'OK', { toTag: 't' }))).toContain(
        '<sip:bob@dht.example.com>;tag=t',
      )
      const twice = raw.replace('Call-ID', `To${gap}: <sip:eve@x>;tag=e\r\nCall-ID`)
      expect(verdict(bytes(twice))).toBe('400 Duplicate To')
    }
  })

  it.each(['Via', 'Call-ID', 'From', 'To', 'CSeq'])('S3261-8.1-01 E04 a request without %s', (name) => {
    expect(verdict(request({ [name]: undefined }))).toBe(`400 Missing ${name}`)
    expect(verdict(response({ [name]: undefined }))).toBe('drop')
  })

  it('S3261-8.1-01 a request without Max-Forwards passes', () => {
    const message = parsed(request({ 'Max-Forwards': undefined }))
    expect(message.maxForwards).toBeUndefined()
  })

  it('E04 the reply echoes what there is', () => {
    const fault = faultOf(request({ 'Call-ID': undefined, From: undefined }))
    if (fault?.partial === undefined) throw new Error('no partial message')
    const reply = text(buildResponse(fault.partial, 400, fault.reason, { toTag: 'x' }))
    expect(reply).toBe(
      'SIP/2.0 400 Missing Call-ID\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK-1;rport\r\n' +
        'To: <sip:bob@dht.example.com>;tag=x\r\nCSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n',
    )
  })

  it.each(['Call-ID', 'To', 'From', 'CSeq', 'Max-Forwards'])('E05 %s twice', (name) => {
    expect(verdict(bytes(text(request()).replace('Via:', `${name}: 1 INVITE\r\nVia:`)))).toBe(
      `400 Duplicate ${name}`,
    )
  })

  it.each([
    '4294967296 INVITE',
    '36893488147419103232 INVITE',
    '-1 INVITE',
    '+1 INVITE',
    '1e3 INVITE',
    'x INVITE',
    '7',
    'INVITE',
    '',
  ])('S3261-8.1-02 E07 S-04 CSeq "%s"', (value) => {
    expect(verdict(request({ CSeq: value }))).toBe('400 Bad CSeq')
    expect(verdict(response({ CSeq: value }))).toBe('drop')
  })

  it('S3261-8.1-02 S-04 CSeq up to 2^32-1 is taken', () => {
    expect(parsed(request({ CSeq: '2147483648 INVITE' })).cseq.number).toBe(2147483648)
    expect(parsed(request({ CSeq: '4294967295 \t INVITE' })).cseq).toEqual({
      number: 4294967295,
      method: 'INVITE',
    })
    expect(parsed(request({ CSeq: '0009 INVITE' })).cseq.number).toBe(9)
  })

  it('S3261-16.3-01 E18 malformed headers that nobody needs are no fault', () => {
    expect(
      verdict(request({ Date: 'yesterday', Subject: '"', Contact: '<<>>', Expires: '-', Warning: ',,' })),
    ).toBe('ok')
  })

  it('S3261-20-02 Max-Forwards past 255 counts as 70, text is refused', () => {
    expect(parsed(request({ 'Max-Forwards': '255' })).maxForwards).toBe(255)
    expect(parsed(request({ 'Max-Forwards': '300' })).maxForwards).toBe(70)
    expect(verdict(request({ 'Max-Forwards': '300' }))).toBe('ok')
    expect(verdict(request({ 'Max-Forwards': 'many' }))).toBe('400 Bad Max-Forwards')
    expect(verdict(request({ 'Max-Forwards': '-1' }))).toBe('400 Bad Max-Forwards')
  })

  it('S-09 names such as __proto__ and constructor are names like others', () => {
    const message = parsed(
      request(
        {
          ['__proto__']: 'p',
          constructor: 'c',
          toString: 't',
          Contact: '<sip:a@b;__proto__=1>;constructor=2;__proto__=3',
        },
        'INVITE sip:bob@dht.example.com;__proto__=polluted;constructor SIP/2.0',
      ),
    )
    expect(message.header('__proto__')).toBe('p')
    expect(message.header('constructor')).toBe('c')
    expect(message.header('tostring')).toBe('t')
    expect(message.header('hasownproperty')).toBeUndefined()
    expect(message.uri?.params.get('__proto__')).toBe('polluted')
    expect(message.contacts()).toMatchObject({ ok: true })
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('S-07 NUL, eight-bit bytes and overlong UTF-8 pass through as they are', () => {
    const odd = '\0\x80\xff \xc0\xaf "\xc3\xa9"'
    const message = parsed(request({ 'X-Odd': odd, From: `"\0\xc0\xaf" <sip:alice@dht.example.com>;tag=1` }))
    expect(message.header('x-odd')).toBe(odd)
    expect(message.from.display).toBe('\0\xc0\xaf')
  })

  it('a bare CR or LF ends no line and is refused, as the next reader might see a header there', () => {
    for (const smuggled of ['x\nTo: <sip:eve@x>', 'x\rTo: <sip:eve@x>', 'x\n']) {
      expect(verdict(request({ Subject: smuggled }))).toBe('400 Bad Line Ending +close')
    }
    expect(verdict(response({ Subject: 'x\ny' }))).toBe('drop +close')
    // With no CR at all the first line has no end of its own.
    const unix = bytes(text(request()).replaceAll('\r\n', '\n'))
    expect(verdict(unix)).toBe('400 Bad Line Ending +close')
  })

  it('a line without a name or colon is refused', () => {
    expect(verdict(bytes(text(request()).replace('Via:', 'nonsense\r\nVia:')))).toBe('400 Bad Header Line')
    expect(verdict(bytes(text(request()).replace('Via:', ': empty\r\nVia:')))).toBe('400 Bad Header Line')
    expect(verdict(bytes(text(request()).replace('Via:', 'two words: x\r\nVia:')))).toBe(
      '400 Bad Header Line',
    )
  })

  it.each([
    'SIP/2.0/UDP 192.0.2.15;;,;,,',
    'SIP/2.0/UDP',
    'SIP/2.0 h',
    'UDP h',
    'SIP/2.0/UDP h:99999',
    'SIP/2.0/UDP h;branch=',
    'SIP/2.0/UDP [1::2::3]',
    'SIP/2.0/UDP h;rport=x',
    'SIP/2.0/UDP h;branch=a;branch=b',
  ])('a top Via that cannot be read: %s', (value) => {
    expect(verdict(request({ Via: value }))).toBe('400 Bad Via')
    expect(verdict(response({ Via: value }))).toBe('drop')
  })

  it('E58 a response whose next hop is nobody in particular is dropped', () => {
    for (const host of ['255.255.255.255', '224.0.0.1', '239.1.2.3', '0.0.0.0', '[ff02::1]', '[::]']) {
      expect(
        verdict(response({ Via: ['SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1', `SIP/2.0/UDP ${host}`] })),
      ).toBe('drop')
      expect(verdict(response({ Via: `SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP ${host}` }))).toBe(
        'drop',
      )
    }
    expect(verdict(response({ Via: ['SIP/2.0/UDP h', 'SIP/2.0/UDP g;received=224.0.0.1'] }))).toBe('drop')
    expect(verdict(response({ Via: ['SIP/2.0/UDP h', 'SIP/2.0/UDP 223.255.255.255'] }))).toBe('ok')
  })

  it('an ACK is never answered, whatever is wrong with it', () => {
    expect(verdict(request({ CSeq: 'x', 'Call-ID': undefined }, 'ACK sip:bob@dht.example.com SIP/2.0'))).toBe(
      'drop',
    )
    expect(verdict(request({ CSeq: '1 ACK', To: '"' }, 'ACK sip:bob@dht.example.com SIP/2.0'))).toBe('drop')
  })
})

describe('parseMessage: body', () => {
  const body = (length: string | readonly string[] | undefined, content: string): Buffer =>
    request({ 'Content-Length': length }, undefined, content)

  it.each(['-1', '+5', '1e3', '0x10', 'ten', '', '5 5', '5,5'])('S-01 E08 Content-Length "%s"', (value) => {
    expect(verdict(body(value, '12345'))).toBe('400 Bad Content-Length +close')
    expect(verdict(response({ 'Content-Length': value }))).toBe('drop +close')
  })

  it.each(['6', '2147483648', '4294967328', '9'.repeat(99)])(
    'S-01 S3261-18.3-01 E09 Content-Length %s is more than the datagram holds',
    (value) => {
      expect(verdict(body(value, '12345'))).toBe('400 Truncated Body +close')
      expect(verdict(response({ 'Content-Length': value }))).toBe('drop +close')
    },
  )

  it('S-01 S3261-18.3-01 bytes after the body are dropped, without Content-Length all are body', () => {
    expect(text(parsed(body('3', '12345')).body)).toBe('123')
    expect(text(parsed(body(undefined, '12345')).body)).toBe('12345')
    expect(parsed(body('3', '12345')).byteLength).toBe(body('3', '123').length)
  })

  it('S-01 E05 equal duplicates are one, different ones are refused', () => {
    expect(text(parsed(body(['3', '03'], '12345')).body)).toBe('123')
    expect(verdict(body(['3', '4'], '12345'))).toBe('400 Duplicate Content-Length +close')
  })

  it('a body is a view on the received bytes', () => {
    const received = body('3', '123')
    expect(parsed(received).body.buffer).toBe(received.buffer)
  })
})

describe('parseMessage: limits', () => {
  it('S-PA-01 E12 header fields: the last allowed, and one more', () => {
    const fields = (count: number): Buffer => request({ 'X-A': Array.from({ length: count }, () => 'v') })
    expect(verdict(fields(DEFAULT_PARSE_LIMITS.headersMax - 7))).toBe('ok')
    expect(verdict(fields(DEFAULT_PARSE_LIMITS.headersMax - 6))).toBe('513 Too Many Headers +close')
  })

  it('S-PA-01 S-07 E12 Via values: 70 pass, 71 do not, in lines or in one list', () => {
    const values = (count: number): string[] => Array.from({ length: count }, (_, i) => `SIP/2.0/UDP h${i}`)
    expect(verdict(request({ Via: values(70) }))).toBe('ok')
    expect(verdict(request({ Via: values(71) }))).toBe('513 Too Many Vias +close')
    expect(verdict(request({ Via: values(70).join(',') }))).toBe('ok')
    expect(verdict(request({ Via: values(71).join(',') }))).toBe('513 Too Many Vias +close')
  })

  it('S-PA-01 S-07 E12 head bytes: the last allowed, and one more', () => {
    const limits = { ...DEFAULT_PARSE_LIMITS, headBytesMax: 2000 }
    const sized = (size: number): Buffer => {
      const missing = size - request({ 'X-Pad': '' }).length
      return request({ 'X-Pad': 'p'.repeat(missing) })
    }
    expect(parseMessage(sized(2000), limits).ok).toBe(true)
    expect(parseMessage(sized(2001), limits)).toMatchObject({ error: { status: 513, close: true } })
  })

  it('S-PA-01 E12 body bytes: the last allowed, and one more', () => {
    const limits = { ...DEFAULT_PARSE_LIMITS, bodyBytesMax: 100 }
    const sized = (size: number): Buffer =>
      request({ 'Content-Length': String(size) }, undefined, 'b'.repeat(size))
    expect(parseMessage(sized(100), limits).ok).toBe(true)
    expect(parseMessage(sized(101), limits)).toMatchObject({ error: { status: 513 } })
  })

  it('S3261-18.1-03 a datagram of 65535 bytes is read', () => {
    const head = request({ 'Content-Length': '00000' })
    const length = 65_535 - head.length
    const whole = request({ 'Content-Length': String(length) }, undefined, 'b'.repeat(length))
    expect(whole.length).toBe(65_535)
    expect(parsed(whole).body.length).toBe(length)
  })

  it('S-PA-02 a head that never ends is refused', () => {
    const raw = text(request())
    expect(verdict(bytes(raw.slice(0, -2)))).toBe('400 Incomplete Header +close')
    expect(verdict(bytes(raw.slice(0, raw.indexOf('CSeq'))))).toBe('400 Incomplete Header +close')
  })

  it('S-08 S-07 hostile fillers of 60 KB in every header we parse come back with a verdict', () => {
    const shapes = ['"', '<', '(', '\\', ',', ';', ' ', '\r\n ', '%', ':', '=', '[', '*', '"\\', '<">', '(",']
    for (const shape of shapes) {
      const filler = shape.repeat(Math.floor(60_000 / shape.length))
      for (const name of ['Via', 'To', 'From', 'Contact', 'Route', 'CSeq', 'Authorization', 'X-Other']) {
        const message = parseMessage(request({ [name]: filler }))
        const partial = message.ok ? message.value : message.error.partial
        expect(partial).toBeDefined()
        expect(partial?.viaCount).toBeGreaterThan(0)
        partial?.values(name.toLowerCase())
        partial?.contacts()
        partial?.routes()
      }
    }
  })
})
