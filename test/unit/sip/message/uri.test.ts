import { describe, expect, it } from 'vitest'
import {
  canonicalAddress,
  escapeUser,
  formatUri,
  isIpv4,
  isIpv6,
  parseUri,
  percentDecode,
  urisEqual,
} from '../../../../src/sip/message/index.ts'

describe('parseUri', () => {
  it('reads parameters that it has read before alike, and no others', () => {
    for (let time = 0; time < 2; time++) {
      expect(parseUri('sip:u@h;transport=tcp;lr')?.params).toEqual(
        new Map([
          ['transport', 'tcp'],
          ['lr', ''],
        ]),
      )
      // U+0174 ends in the byte of a `t`.
      expect(parseUri('sip:u@h;\u0174ransport=tcp;lr')).toBeUndefined()
      expect(parseUri('sip:u@h;lr;lr')).toBeUndefined()
    }
    for (let i = 0; i < 200; i++) expect(parseUri(`sip:u@h;p${i}=${i}`)?.params.get(`p${i}`)).toBe(String(i))
  })

  it('S3261-7.3-01 cuts a full SIP URI into its parts', () => {
    expect(
      parseUri('SIPS:al%69ce:s%3Acret@Example.COM:5071;Transport=TCP;lr;Maddr=239.1.1.1?Subject=a%20b&to=x'),
    ).toEqual({
      scheme: 'sips',
      user: 'al%69ce',
      password: 's%3Acret',
      host: 'example.com',
      port: 5071,
      params: new Map([
        ['transport', 'TCP'],
        ['lr', ''],
        ['maddr', '239.1.1.1'],
      ]),
      headers: 'Subject=a%20b&to=x',
      raw: 'SIPS:al%69ce:s%3Acret@Example.COM:5071;Transport=TCP;lr;Maddr=239.1.1.1?Subject=a%20b&to=x',
    })
  })

  it('M-03 one dot that ends a host name is no part of it', () => {
    expect(parseUri('sip:u@Example.com.')).toMatchObject({ host: 'example.com', raw: 'sip:u@Example.com.' })
    expect(parseUri('sip:example.com.:5070;lr')).toMatchObject({ host: 'example.com', port: 5070 })
    expect(parseUri('sip:u@example.com..')).toMatchObject({ host: 'example.com.' })
    expect(parseUri('sip:u@.')).toMatchObject({ host: '.' })
    expect(urisEqual('sip:u@example.com.', 'sip:u@example.com')).toBe(true)
  })

  it('a colon or a semicolon with nothing behind it says nothing (docs/adr/0038)', () => {
    expect(parseUri('sip:u@h:')).toMatchObject({ host: 'h', port: undefined })
    expect(parseUri('sip:u@h:;lr;')).toMatchObject({ port: undefined, params: new Map([['lr', '']]) })
    expect(parseUri('sip:u@h;')).toMatchObject({ host: 'h', params: new Map() })
    expect(urisEqual('sip:u@h:;', 'sip:u@h')).toBe(true)
    expect(parseUri('sip:u@h;=x')).toBeUndefined()
  })

  it('S5118-4-01 IPv6 literals stand in brackets, with the port outside', () => {
    expect(parseUri('sip:u@[2001:DB8::1]:5070')).toMatchObject({ host: '2001:db8::1', port: 5070 })
    expect(parseUri('sip:[2001:db8::10:5070]')).toMatchObject({ host: '2001:db8::10:5070', port: undefined })
    expect(parseUri('sip:2001:db8::10')).toBeUndefined()
    expect(parseUri('sip:[2001:db8::10')).toBeUndefined()
    expect(parseUri('sip:[not-ipv6]')).toBeUndefined()
  })

  it('S5118-4-02 three colons before an embedded IPv4 address are read and written as two', () => {
    const uri = parseUri('sip:user@[2001:db8:::192.0.2.1]')
    expect(uri?.host).toBe('2001:db8::192.0.2.1')
    expect(uri && formatUri(uri)).toBe('sip:user@[2001:db8::192.0.2.1]')
  })

  it('tel URIs give number and parameters, unknown schemes only their name', () => {
    expect(parseUri('tel:+1-201-555-0123;phone-context=example.com')).toMatchObject({
      scheme: 'tel',
      user: '+1-201-555-0123',
      host: '',
      params: new Map([['phone-context', 'example.com']]),
    })
    expect(parseUri('soap.beep://192.0.2.103:3002')).toMatchObject({
      scheme: 'soap.beep',
      user: undefined,
      host: '',
    })
    expect(parseUri('nobodyKnowsThisScheme:totallyopaquecontent')).toMatchObject({
      scheme: 'nobodyknowsthisscheme',
    })
  })

  it('the gr values of the overlay end in equals signs', () => {
    expect(parseUri('sip:a@b;gr=ARAAESIzRFVmd4iZqrvM3e7/')?.params.get('gr')).toBe('ARAAESIzRFVmd4iZqrvM3e7/')
    expect(parseUri('sip:a@b;gr=AQ==;x=1')?.params).toEqual(
      new Map([
        ['gr', 'AQ=='],
        ['x', '1'],
      ]),
    )
  })

  it.each([
    '',
    ':',
    'sip',
    'sip:',
    'sip:@host',
    'sip:user@',
    'sip:user@host::',
    'sip:user@host:port',
    'sip:user@host:70000',
    'sip:us er@host',
    'sip:user@ho st',
    'sip:user@host;;x',
    'sip:user@host;x=1;x=2',
    'sip:user@evil@host',
    'sip:user@host;x=a@b',
    'sip:us%4@host',
    'sip:us%zz@host',
    'sip:user@host%41',
    'sip:user@host>',
    'sip:"user"@host',
    'sip:user\0@host',
    'sip:user@host?a b',
    '1sip:user@host',
    'tel:',
    'tel:+1 2',
  ])('is undefined for %j', (text) => {
    expect(parseUri(text)).toBeUndefined()
  })

  it('S-09 parameters are no properties', () => {
    const uri = parseUri('sip:a@b;__proto__=x;constructor=y')
    expect(uri?.params.get('__proto__')).toBe('x')
    expect(uri?.params.has('tostring')).toBe(false)
  })

  it('formatUri writes what parseUri read', () => {
    for (const text of ['sip:a:b@c:1;d;e=f?g=h', 'sips:c', 'tel:+1-2;ext=3', 'sip:u@[2001:db8::1]:5060']) {
      const uri = parseUri(text)
      expect(uri && formatUri(uri)).toBe(text)
    }
  })
})

describe('escapes', () => {
  it('S3261-19.1-02 are undone once', () => {
    expect(percentDecode('value%2541')).toBe('value%41')
    expect(percentDecode('%00%zz%4')).toBe('\0%zz%4')
  })

  it('escapeUser makes any bytes a user part', () => {
    const odd = 'a b@c\0%"é'
    const escaped = escapeUser(odd)
    expect(percentDecode(escaped)).toBe(odd)
    expect(parseUri(`sip:${escaped}@h`)?.user).toBe(escaped)
  })
})

describe('urisEqual', () => {
  it('S3261-19.1-01 compares IPv6 addresses as addresses, however they are written (RFC 5954 s.4.2)', () => {
    expect(urisEqual('sip:u@[2001:db8::1]', 'sip:u@[2001:0DB8:0:0::1]')).toBe(true)
    expect(urisEqual('sip:u@[2001:db8::1]', 'sip:u@[2001:db8::2]')).toBe(false)
    expect(urisEqual('sip:u@[2001:db8::1]:5060', 'sip:u@[2001:db8:0::1]')).toBe(false)
  })

  // RFC 3261 s.19.1.4, its own examples.
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=off'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['tel:+1-201-555-0123', 'tel:+1(201)555.0123'],
    ['urn:service:sos', 'URN:service:sos'],
  ])('S3261-19.1-01 S3261-19.1-02 %s is %s', (a, b) => {
    expect(urisEqual(a, b)).toBe(true)
    expect(urisEqual(b, a)).toBe(true)
  })

  it.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a@b', 'sip:b'],
    ['sip:a:p@b', 'sip:a@b'],
    ['sip:a@b;user=phone', 'sip:a@b'],
    ['sip:a@b;ttl=1', 'sip:a@b'],
    ['sip:a@b;method=INVITE', 'sip:a@b'],
    ['sip:a@b;maddr=192.0.2.1', 'sip:a@b'],
    ['sip:a%3Bb@c', 'sip:a;b@c'],
    ['sip:a%2541@c', 'sip:a%41@c'],
    ['sip:a%253B@c', 'sip:a%3B@c'],
    ['tel:+1201', 'tel:+1202'],
    ['sip:a@b', 'not a uri'],
    ['urn:service:sos', 'urn:service:fire'],
  ])('S3261-19.1-01 S3261-19.1-02 %s is not %s', (a, b) => {
    expect(urisEqual(a, b)).toBe(false)
    expect(urisEqual(b, a)).toBe(false)
  })
})

describe('addresses', () => {
  it.each([
    '::',
    '::1',
    '1::',
    '2001:db8::1',
    '1:2:3:4:5:6:7:8',
    '::ffff:192.0.2.1',
    '1:2:3:4:5:6:192.0.2.1',
    'FE80::1',
  ])('%s is IPv6', (text) => {
    expect(isIpv6(text)).toBe(true)
  })

  it.each([
    '',
    ':',
    '1',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    '::192.0.2',
    '::1:',
    ':1::',
    '1:::2',
    '::g',
    '192.0.2.1',
    '1:2:3:4:5:6:7:8::',
  ])('%s is not IPv6', (text) => {
    expect(isIpv6(text)).toBe(false)
  })

  it('IPv4 has four numbers of at most 255', () => {
    expect(['192.0.2.1', '0.0.0.0', '255.255.255.255'].every(isIpv4)).toBe(true)
    expect(['192.0.2', '192.0.2.1.1', '256.0.0.1', '1.2.3.x', '', '1..2.3', '0001.2.3.4'].some(isIpv4)).toBe(
      false,
    )
  })

  it('S5118-4-01 mapped and plain IPv4 are the same source', () => {
    expect(canonicalAddress('::FFFF:192.0.2.1')).toBe('192.0.2.1')
    expect(canonicalAddress('[2001:DB8::1]')).toBe('2001:db8::1')
    for (const one of ['0:0:0:0:0:0:0:1', '[0::1]', '::0001', '0000:0:0::0:1', '::0.0.0.1'])
      expect(canonicalAddress(one), one).toBe('::1')
    expect(canonicalAddress('::')).toBe('::')
    expect(canonicalAddress('1::')).toBe('1::')
    // RFC 5952 s.4.2: one group of zeros is not shortened, of two runs the longer one is, of equal ones the first.
    expect(canonicalAddress('2001:DB8:0:1:1:1:1:1')).toBe('2001:db8:0:1:1:1:1:1')
    expect(canonicalAddress('2001:0:0:1:0:0:0:1')).toBe('2001:0:0:1::1')
    expect(canonicalAddress('2001:db8::1:0:0:1')).toBe('2001:db8::1:0:0:1')
    expect(canonicalAddress('2001:db8:0:0:1:0:0:1')).toBe('2001:db8::1:0:0:1')
    expect(canonicalAddress('0:0:0:0:0:ffff:7f00:1')).toBe('127.0.0.1')
    expect(canonicalAddress('FE80::0:1%Eth0')).toBe('fe80::1%Eth0')
    expect(canonicalAddress('1:2:3:4:5:6:7:8:9')).toBe('1:2:3:4:5:6:7:8:9')
    expect(canonicalAddress('Host.example')).toBe('Host.example')
  })
})
