import { describe, expect, it } from 'vitest'

import { fromUtf8, utf8 } from '../../../../src/common/bytes.ts'
import { parseConfiguration } from '../../../../src/reload/config/index.ts'
import { configured, documentText, kindBlock, LIMITS, NAMESPACES, plain, ROOT_CERT } from './document.ts'

const NODE = 'ab'.repeat(16)

describe('the document', () => {
  it.each([
    ['not XML', 'overlay'],
    ['an open element', `<overlay ${NAMESPACES}><configuration instance-name="example.org"></overlay>`],
    ['an undeclared prefix', `<overlay ${NAMESPACES}><x:configuration/></overlay>`],
    ['two roots', `${documentText(ROOT_CERT)}<overlay/>`],
    ['another encoding', documentText(ROOT_CERT).replace('UTF-8', 'ISO-8859-1')],
    ['a DOCTYPE', `<!DOCTYPE overlay [<!ENTITY a "b">]><overlay ${NAMESPACES}/>`],
    ['an unknown entity', documentText(`${ROOT_CERT}<shared-secret>&nbsp;</shared-secret>`)],
    ['elements nested without end', documentText(ROOT_CERT + '<ext:a>'.repeat(50) + '</ext:a>'.repeat(50))],
  ])('R6940-11.1-04 R6940-11.2-05 %s is malformed', (_, text) => {
    expect(plain(text)).toMatchObject({ kind: 'malformed' })
  })

  it('R6940-11.1-04 must be UTF-8 and of bearable size', () => {
    const latin1 = Buffer.from(documentText(`${ROOT_CERT}<shared-secret>é</shared-secret>`), 'latin1')
    expect(parseConfiguration(latin1, 'example.org')).toMatchObject({
      ok: false,
      error: { kind: 'malformed' },
    })
    expect(parseConfiguration(new Uint8Array((1 << 20) + 1).fill(0x20), 'example.org').ok).toBe(false)
  })

  it.each([
    ['an unknown element of the base namespace', '<colour>red</colour>'],
    ['an unknown element of the chord namespace', '<chord:fingers>3</chord:fingers>'],
    ['an element that may stand once, twice', '<no-ice>true</no-ice><no-ice>true</no-ice>'],
  ])('R6940-11.1-04 %s is not valid to the grammar', (_, parameters) => {
    expect(configured(parameters)).toMatchObject({ kind: 'invalid' })
  })

  it('R6940-11.1-05 elements count by namespace, whatever their prefix; foreign ones are ignored', () => {
    const text = `<b:overlay xmlns:b="urn:ietf:params:xml:ns:p2p:config-base" xmlns:c="urn:ietf:params:xml:ns:p2p:config-chord" xmlns="urn:other">
      <b:configuration instance-name="example.org" xmlns:e="urn:example:ext" e:any="1">
        ${ROOT_CERT.replaceAll('root-cert', 'b:root-cert')}<b:no-ice>true</b:no-ice><c:chord-ping-interval>30</c:chord-ping-interval>
        <no-ice>false</no-ice><e:anything e:more="x"><e:below/></e:anything></b:configuration></b:overlay>`
    expect(plain(text)).toMatchObject({ noIce: true, chordPingIntervalS: 30 })
    expect(plain(text.replace('config-base"', 'config-vase"'))).toMatchObject({ kind: 'invalid' })
    expect(configured('<chord-ping-interval>30</chord-ping-interval>')).toMatchObject({ kind: 'invalid' })
  })

  it('R6940-11.1-07 R6940-11.2-05 takes the configuration of the wanted overlay and its own signatures', () => {
    const block = (text: string): string => `<signature>${Buffer.from(text).toString('base64')}</signature>`
    const one = `<configuration instance-name="one.org" sequence="1">${ROOT_CERT}</configuration>${block('first')}`
    const two = `<configuration instance-name="two.org" sequence="2">${ROOT_CERT}</configuration> ${block('second')}${block('again')}`
    const text = utf8(
      `<overlay ${NAMESPACES}>${one}<!-- <configuration instance-name="two.org"> -->${two}</overlay>`,
    )
    const parsed = parseConfiguration(text, 'two.org')
    expect(parsed).toMatchObject({
      ok: true,
      value: { configuration: { instanceName: 'two.org', sequence: 2 } },
    })
    expect(parsed.ok && parsed.value.signatures.map(fromUtf8)).toEqual(['second', 'again'])
    expect(parseConfiguration(text, 'three.org')).toMatchObject({ ok: false, error: { kind: 'absent' } })
    expect(parseConfiguration(text, 'TWO.org')).toMatchObject({ ok: false, error: { kind: 'absent' } })
    expect(plain(`<overlay ${NAMESPACES}>${two}${two}</overlay>`, 'two.org')).toMatchObject({
      kind: 'invalid',
    })
  })

  it('R6940-11.1-31 a signature is base64 and may be broken into lines', () => {
    const text = (signature: string): string =>
      documentText(ROOT_CERT).replace(
        '</overlay>',
        `<signature algorithm="rsa-sha1">${signature}</signature></overlay>`,
      )
    const parsed = parseConfiguration(utf8(text('\n  AQID\n  BA==\n')), 'example.org')
    expect(parsed.ok && parsed.value.signatures).toEqual([Uint8Array.of(1, 2, 3, 4)])
    expect(plain(text('AQ-_'))).toMatchObject({ kind: 'invalid' })
    expect(plain(text('AQI'))).toMatchObject({ kind: 'invalid' })
  })
})

describe('the signed bytes', () => {
  it.each([
    ['as it stands', '<configuration instance-name="example.org">', '</configuration>'],
    ['with odd white space', "<configuration\r\n\t instance-name = 'example.org'  >", '</configuration \n>'],
    [
      'with a prefix',
      '<b:configuration xmlns:b="urn:ietf:params:xml:ns:p2p:config-base" instance-name="example.org">',
      '</b:configuration>',
    ],
  ])('R6940-11.1-30 are the literal bytes of the element %s', (_, start, end) => {
    const inner = `\r\n<!-- </configuration> ü --><shared-secret><![CDATA[</configuration>]]>𝄞 &lt;</shared-secret>\n${ROOT_CERT}\t`
    const before = `\uFEFF<?xml version="1.0" encoding="utf-8"?>\r\n<!-- <configuration> 𝄞é -->\n<overlay ${NAMESPACES}>\r\n`
    const parsed = parseConfiguration(utf8(`${before}${start}${inner}${end}\n</overlay>`), 'example.org')
    if (!parsed.ok) throw new Error(parsed.error.reason)
    expect(fromUtf8(parsed.value.signedBytes)).toBe(`${start}${inner}${end}`)
    expect(parsed.value.configuration.sharedSecret).toBe('</configuration>𝄞 <')
  })

  it('R6940-11.1-28 of a Kind are those from its first < to its last >', () => {
    const kind = `<kind  name="SIP-REGISTRATION" ><!-- é --><data-model>DICTIONARY</data-model><access-control>USER-NODE-MATCH</access-control>${LIMITS}</kind\n>`
    const text = documentText(
      `${ROOT_CERT}<required-kinds><kind-block>${kind}<kind-signature>AQID</kind-signature></kind-block></required-kinds>`,
    )
    const parsed = parseConfiguration(utf8(text), 'example.org')
    const block = parsed.ok ? parsed.value.kindBlocks[0] : undefined
    expect(block && fromUtf8(block.signedBytes)).toBe(kind)
    expect(block?.signature).toEqual(Uint8Array.of(1, 2, 3))
  })
})

describe('attributes and defaults', () => {
  it('R6940-11.1-11 R6940-11.1-12 R6940-11.1-19 R6940-11.1-20 R6940-11.1-21 R6940-11.1-22 R6940-11.1-17 R6940-11.1-18 have their defaults', () => {
    expect(configured('')).toEqual({
      instanceName: 'example.org',
      sequence: 7,
      expiration: undefined,
      topologyPlugin: 'CHORD-RELOAD',
      nodeIdLength: 16,
      rootCerts: [expect.any(Uint8Array)],
      enrollmentServers: [],
      selfSigned: undefined,
      bootstrapNodes: [],
      turnDensity: 1,
      clientsPermitted: true,
      noIce: false,
      sharedSecret: undefined,
      maxMessageSize: 5000,
      initialTtl: 100,
      reliabilityTimerMs: 3000,
      linkProtocols: ['TLS'],
      configurationSigners: [],
      kindSigners: [],
      badNodes: [],
      mandatoryExtensions: [],
      requiredKinds: [],
      chordUpdateIntervalS: 600,
      chordPingIntervalS: 3600,
      chordReactive: true,
      domainRestriction: undefined,
    })
  })

  const TIMES = [
    ['2002-10-10T07:00:00Z', Date.UTC(2002, 9, 10, 7)],
    ['2024-02-29t23:59:59.25z', Date.UTC(2024, 1, 29, 23, 59, 59, 250)],
    ['2026-12-31T23:59:60Z', Date.UTC(2027, 0, 1)],
    ['1999-12-31T00:00:00+00:00', Date.UTC(1999, 11, 31)],
  ] as const

  it.each(TIMES)('R6940-11.1-08 expiration %s is read', (text, wall) => {
    expect(configured('', `instance-name="example.org" expiration="${text}"`)).toMatchObject({
      expiration: wall,
    })
  })

  it.each([
    '2002-10-10T07:00:00+01:00',
    '2002-10-10T07:00:00',
    '2002-10-10',
    '2023-02-29T00:00:00Z',
    '2002-13-01T00:00:00Z',
    '2002-10-10T24:00:00Z',
    '',
  ])('R6940-11.1-08 expiration "%s" is no RFC 3339 time in UTC', (text) => {
    expect(configured('', `instance-name="example.org" expiration="${text}"`)).toMatchObject({
      kind: 'invalid',
    })
  })

  it('R6940-11.1-10 sequence is 0 to 65534', () => {
    const sequence = (value: string): number | string => {
      const result = configured('', `instance-name="example.org" sequence="${value}"`)
      return result.sequence ?? result.kind
    }
    expect(
      ['0', ' 22 ', '65534', '65535', '-1', '1.5', '0x10', '', '99999999999999999999'].map(sequence),
    ).toEqual([0, 22, 65534, 'invalid', 'invalid', 'invalid', 'invalid', 'invalid', 'invalid'])
  })

  it('an instance-name that DNS could not hold is refused', () => {
    for (const name of ['ex ample.org', '-a.org', 'a..org', '']) {
      expect(plain(documentText(ROOT_CERT, `instance-name="${name}"`), name)).toMatchObject({
        kind: 'invalid',
      })
    }
  })
})

describe('parameters', () => {
  it.each([
    ['true', true],
    ['1', true],
    [' \n true\t', true],
    ['false', false],
    ['0', false],
  ])('R6940-11.1-06 boolean "%s" is %s', (text, value) => {
    expect(configured(`<no-ice>${text}</no-ice>`)).toMatchObject({ noIce: value })
  })

  it('R6940-11.1-06 other booleans are refused, white space around any value is not', () => {
    for (const text of ['True', 'yes', '', '01']) {
      expect(configured(`<no-ice>${text}</no-ice>`)).toMatchObject({ kind: 'invalid' })
    }
    const spaced = configured(
      '<topology-plugin> CHORD-RELOAD\n</topology-plugin><initial-ttl> 30 </initial-ttl>',
    )
    expect(spaced).toMatchObject({ topologyPlugin: 'CHORD-RELOAD', initialTtl: 30 })
  })

  it('R6940-11.1-11 an unsupported topology plug-in keeps the node out', () => {
    expect(configured('<topology-plugin>CHORD-SELF-TUNING</topology-plugin>')).toMatchObject({
      kind: 'unsupported',
    })
  })

  it('R6940-11.1-12 node-id-length is 16 to 20; CHORD-RELOAD works with 16', () => {
    const kindOf = (text: string): unknown => configured(`<node-id-length>${text}</node-id-length>`).kind
    expect(['15', '21', 'x'].map(kindOf)).toEqual(['invalid', 'invalid', 'invalid'])
    expect(['17', '20'].map(kindOf)).toEqual(['unsupported', 'unsupported'])
    expect(configured('<node-id-length>16</node-id-length>')).toMatchObject({ nodeIdLength: 16 })
  })

  it('R6940-11.1-13 root-cert holds base64 of a DER certificate, any number of them', () => {
    expect(configured(ROOT_CERT).rootCerts).toHaveLength(2)
    expect(configured('<root-cert>YmFkIGNlcnQK</root-cert>')).toMatchObject({ kind: 'invalid' })
    expect(configured('<root-cert>!</root-cert>')).toMatchObject({ kind: 'invalid' })
  })

  it('R6940-11.1-14 enrollment-server is an https URL', () => {
    const two =
      '<enrollment-server>https://a.org/enroll</enrollment-server><enrollment-server> https://b.org </enrollment-server>'
    expect(configured(two)).toMatchObject({ enrollmentServers: ['https://a.org/enroll', 'https://b.org'] })
    for (const url of ['http://a.org', 'https://', 'a.org', '']) {
      expect(configured(`<enrollment-server>${url}</enrollment-server>`)).toMatchObject({ kind: 'invalid' })
    }
  })

  it('R6940-11.1-15 R6940-11.1-01 self-signed-permitted replaces root-cert and needs a digest', () => {
    const permitted = (digest: string, value: string): unknown =>
      plain(documentText(`<self-signed-permitted ${digest}>${value}</self-signed-permitted>`))
    expect(permitted('digest="sha1"', 'true')).toMatchObject({ selfSigned: 'sha1', rootCerts: [] })
    expect(permitted('digest="sha256"', '1')).toMatchObject({ selfSigned: 'sha256' })
    expect(permitted('digest="md5"', 'true')).toMatchObject({ kind: 'unsupported' })
    expect(permitted('', 'true')).toMatchObject({ kind: 'invalid' })
    expect(permitted('digest="sha1"', 'false')).toMatchObject({ kind: 'invalid' })
    expect(plain(documentText(''))).toMatchObject({ kind: 'invalid' })
    expect(configured('<self-signed-permitted digest="sha1">false</self-signed-permitted>')).toMatchObject({
      selfSigned: undefined,
    })
  })

  it('R6940-11.1-16 bootstrap-node has an IP literal and a port that defaults to 6084', () => {
    const nodes = ['address="192.0.2.1"', 'address="2001:DB8::1" port="6085"', 'address="::ffff:192.0.2.1"']
    expect(configured(nodes.map((node) => `<bootstrap-node ${node}/>`).join('')).bootstrapNodes).toEqual([
      { address: '192.0.2.1', port: 6084 },
      { address: '2001:DB8::1', port: 6085 },
      { address: '::ffff:192.0.2.1', port: 6084 },
    ])
    const bad = [
      '',
      'a.org',
      '192.0.2.256',
      '192.0.2',
      '1.2.3.04',
      '::1::',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '[::1]',
      'fe80::1%eth0',
      '12345::',
    ]
    for (const address of bad) {
      expect(configured(`<bootstrap-node address="${address}"/>`), address).toMatchObject({ kind: 'invalid' })
    }
    for (const port of ['0', '65536', 'x']) {
      expect(configured(`<bootstrap-node address="::1" port="${port}"/>`)).toMatchObject({ kind: 'invalid' })
    }
  })

  it('R6940-11.1-17 R6940-11.1-18 turn-density and clients-permitted', () => {
    expect(
      configured('<turn-density>0</turn-density><clients-permitted>false</clients-permitted>'),
    ).toMatchObject({
      turnDensity: 0,
      clientsPermitted: false,
    })
    expect(configured('<turn-density>256</turn-density>')).toMatchObject({ kind: 'invalid' })
  })

  it('R6940-11.1-20 the Chord parameters are read', () => {
    const chord =
      '<chord:chord-update-interval>\n 400</chord:chord-update-interval><chord:chord-ping-interval>30</chord:chord-ping-interval><chord:chord-reactive>0</chord:chord-reactive>'
    expect(configured(chord)).toMatchObject({
      chordUpdateIntervalS: 400,
      chordPingIntervalS: 30,
      chordReactive: false,
    })
    expect(configured('<chord:chord-update-interval>0</chord:chord-update-interval>')).toMatchObject({
      kind: 'invalid',
    })
  })

  it('R6940-11.1-21 max-message-size and initial-ttl', () => {
    expect(
      configured('<max-message-size>4000</max-message-size><initial-ttl>30</initial-ttl>'),
    ).toMatchObject({
      maxMessageSize: 4000,
      initialTtl: 30,
    })
    for (const text of [
      '<initial-ttl>256</initial-ttl>',
      '<initial-ttl>0</initial-ttl>',
      '<max-message-size>-1</max-message-size>',
    ]) {
      expect(configured(text)).toMatchObject({ kind: 'invalid' })
    }
  })

  it('R6940-11.1-22 overlay-reliability-timer is at least 200 ms', () => {
    const timer = (ms: number): string => `<overlay-reliability-timer>${ms}</overlay-reliability-timer>`
    expect(configured(timer(200))).toMatchObject({ reliabilityTimerMs: 200 })
    expect(configured(timer(199))).toMatchObject({ kind: 'invalid' })
  })

  it('R6940-11.1-23 configuration-signer, kind-signer and bad-node hold one hex Node-ID each', () => {
    for (const [name, field] of [
      ['configuration-signer', 'configurationSigners'],
      ['kind-signer', 'kindSigners'],
      ['bad-node', 'badNodes'],
    ] as const) {
      const read = configured(`<${name}> ${NODE} </${name}><${name}>${NODE.toUpperCase()}</${name}>`)
      expect(read[field]).toEqual([new Uint8Array(16).fill(0xab), new Uint8Array(16).fill(0xab)])
      for (const bad of [
        '47112162e84c69ba',
        `${NODE}00`,
        'zz'.repeat(16),
        '00'.repeat(16),
        'ff'.repeat(16),
        '',
      ]) {
        expect(configured(`<${name}>${bad}</${name}>`)).toMatchObject({ kind: 'invalid' })
      }
    }
  })

  it('R6940-11.1-24 an unknown mandatory-extension keeps the node out, case counts', () => {
    const extension = (namespace: string): unknown =>
      configured(`<mandatory-extension>\n ${namespace}\n</mandatory-extension>`)
    const ours = 'urn:ietf:params:xml:ns:p2p:config-base:sip'
    expect(extension(ours)).toMatchObject({ mandatoryExtensions: [ours] })
    expect(extension(ours.toUpperCase())).toMatchObject({ kind: 'unsupported' })
    expect(extension('urn:ietf:params:xml:ns:p2p:config-ext1')).toMatchObject({ kind: 'unsupported' })
  })

  it('R6940-11.1-03 an overlay without the link protocol TLS keeps the node out; one that lists none has TLS', () => {
    expect(configured('')).toMatchObject({ linkProtocols: ['TLS'] })
    const protocol = (name: string): string => `<overlay-link-protocol> ${name} </overlay-link-protocol>`
    expect(configured(protocol('EXP-PROTOCOL'))).toMatchObject({ kind: 'unsupported' })
    expect(configured(protocol('EXP-PROTOCOL') + protocol('TLS'))).toMatchObject({
      linkProtocols: ['EXP-PROTOCOL', 'TLS'],
    })
  })
})

describe('required-kinds', () => {
  const model = (dataModel: string, access: string): string =>
    `<data-model>${dataModel}</data-model><access-control> ${access} </access-control>`
  const kinds = (kind: string, parameters: string): ReturnType<typeof configured> =>
    configured(kindBlock(kind, parameters))

  it('R6940-11.1-26 a Kind has name or id and all its parameters', () => {
    const full = model('ARRAY', 'NODE-MATCH') + LIMITS
    expect(kinds('id="4026531841"', full).requiredKinds).toEqual([
      {
        id: 0xf0000001,
        name: '4026531841',
        dataModel: 'array',
        accessControl: 'NODE-MATCH',
        maxCount: 3,
        maxSize: 400,
        maxNodeMultiple: 0,
      },
    ])
    expect(kinds('', full)).toMatchObject({ kind: 'invalid' })
    expect(kinds('id="2000" name="TURN-SERVICE"', full)).toMatchObject({ kind: 'invalid' })
    for (const id of ['0', '2147483647', '4294967294', '4294967296', '0x10', '']) {
      expect(kinds(`id="${id}"`, full), id).toMatchObject({ kind: 'invalid' })
    }
    for (const part of [
      '<data-model>ARRAY</data-model>',
      '<access-control> NODE-MATCH </access-control>',
      '<max-count>3</max-count>',
      '<max-size>400</max-size>',
    ]) {
      expect(kinds('id="2000"', full.replace(part, '')), part).toMatchObject({ kind: 'invalid' })
    }
    expect(kinds('id="2000"', full.replace('400', '0'))).toMatchObject({ kind: 'invalid' })
  })

  it('R6940-11.1-26 R6940-7.3.4-02 NODE-MULTIPLE needs max-node-multiple above 0', () => {
    const multiple = (text: string): unknown =>
      kinds('id="2000"', `${model('SINGLE', 'NODE-MULTIPLE')}${LIMITS}${text}`)
    expect(multiple('<max-node-multiple>3</max-node-multiple>')).toMatchObject({
      requiredKinds: [{ maxNodeMultiple: 3 }],
    })
    expect(multiple('')).toMatchObject({ kind: 'invalid' })
    expect(multiple('<max-node-multiple>0</max-node-multiple>')).toMatchObject({ kind: 'invalid' })
  })

  it('R6940-7.3-03 R6940-11.1-25 a Kind with an unknown policy, data model or name keeps the node out', () => {
    expect(kinds('id="2000"', model('ARRAY', 'EXP-MATCH') + LIMITS)).toMatchObject({ kind: 'unsupported' })
    expect(kinds('id="2000"', model('TREE', 'NODE-MATCH') + LIMITS)).toMatchObject({ kind: 'unsupported' })
    expect(kinds('name="REDIR"', model('DICTIONARY', 'NODE-MATCH') + LIMITS)).toMatchObject({
      kind: 'unsupported',
    })
    expect(kinds('id="2000"', model('ARRAY', 'USER-NODE-MATCH') + LIMITS)).toMatchObject({ kind: 'invalid' })
  })

  it('R6940-11.1-27 a registered Kind keeps its data model and policy whatever the document says', () => {
    for (const kind of ['name="SIP-REGISTRATION"', 'id="1"']) {
      const parsed = parseConfiguration(
        utf8(documentText(ROOT_CERT + kindBlock(kind, model('SINGLE', 'USER-MATCH') + LIMITS))),
        'example.org',
      )
      expect(parsed).toMatchObject({
        ok: true,
        value: {
          configuration: {
            requiredKinds: [
              { id: 1, dataModel: 'dictionary', accessControl: 'USER-NODE-MATCH', maxCount: 3, maxSize: 400 },
            ],
          },
          warnings: [expect.stringMatching(/SIP-REGISTRATION/)],
        },
      })
    }
  })

  it('R6940-11.1-26 a Kind stands once', () => {
    const block = (id: string): string =>
      `<kind-block><kind ${id}>${model('DICTIONARY', 'USER-NODE-MATCH')}${LIMITS}</kind></kind-block>`
    expect(
      configured(`<required-kinds>${block('id="1"')}${block('name="SIP-REGISTRATION"')}</required-kinds>`),
    ).toMatchObject({ kind: 'invalid' })
    expect(configured('<required-kinds><kind-block/></required-kinds>')).toMatchObject({ kind: 'invalid' })
  })
})
