import { readFileSync } from 'node:fs'

import { RelaxNGValidator, XmlDocument } from 'libxml2-wasm'
import { afterAll, describe, expect, it } from 'vitest'

import { fromUtf8 } from '../../../../src/common/bytes.ts'
import { asNodeId } from '../../../../src/reload/codec/index.ts'
import {
  KNOWN_KINDS,
  parseConfiguration,
  writeConfiguration,
  wrapOverlay,
  type OverlayConfiguration,
} from '../../../../src/reload/config/index.ts'
import { anOverlay, aTestOverlay } from '../../../support/credentials.ts'
import { documentText, ROOT_CERT } from './document.ts'

const grammar = XmlDocument.fromString(
  readFileSync(new URL('../../../vectors/reload.rng', import.meta.url), 'utf8'),
)
const validator = RelaxNGValidator.fromDoc(grammar)
afterAll(() => {
  validator.dispose()
  grammar.dispose()
})

function validate(document: Uint8Array): void {
  const xml = XmlDocument.fromString(fromUtf8(document))
  try {
    validator.validate(xml)
  } finally {
    xml.dispose()
  }
}

function parsed(document: Uint8Array): OverlayConfiguration {
  const result = parseConfiguration(document, 'example.org')
  if (!result.ok) throw new Error(result.error.reason)
  return result.value.configuration
}

const der = Uint8Array.from([0x30, 0x82, 1, 0, ...new Uint8Array(256).fill(0x5a)])
const nodeId = (byte: number): OverlayConfiguration['badNodes'][number] =>
  asNodeId(new Uint8Array(16).fill(byte))

const FULL = anOverlay('example.org', {
  sequence: 65_534,
  expiration: Date.UTC(2030, 1, 28, 23, 59, 59),
  rootCerts: [der, der],
  enrollmentServers: ['https://a.org/enroll?x=1&y=2'],
  selfSigned: 'sha256',
  bootstrapNodes: [
    { address: '192.0.2.1', port: 6084 },
    { address: '2001:db8::1', port: 7000 },
  ],
  turnDensity: 20,
  clientsPermitted: false,
  noIce: false,
  sharedSecret: 'a<b>&"c"\'d é𝄞',
  linkProtocols: ['TLS', 'EXP-PROTOCOL'],
  configurationSigners: [nodeId(1), nodeId(2)],
  kindSigners: [nodeId(3)],
  badNodes: [nodeId(4)],
  mandatoryExtensions: ['urn:ietf:params:xml:ns:p2p:config-base:sip'],
  requiredKinds: [
    ...KNOWN_KINDS,
    {
      id: 2000,
      name: '2000',
      dataModel: 'array',
      accessControl: 'NODE-MULTIPLE',
      maxCount: 22,
      maxSize: 4,
      maxNodeMultiple: 3,
    },
  ],
  chordReactive: false,
  domainRestriction: { enable: true, patterns: ['dht\\.example\\.com', '.*\\.my\\.example'] },
})

describe('written documents', () => {
  it('R6940-11.1-04 R6940-11.1-05 are valid to the grammar of the RFC, as libxml2 sees it', async () => {
    const overlay = await aTestOverlay()
    validate(overlay.document)
    validate(
      wrapOverlay(
        writeConfiguration(FULL, () => 'AQID'),
        'AQID',
      ),
    )
    validate(wrapOverlay(writeConfiguration(anOverlay('example.org', { selfSigned: 'sha1' })), undefined))
  })

  it('the grammar refuses what our parser refuses, so the check above means something', () => {
    expect(() => validate(Buffer.from(documentText(`${ROOT_CERT}<colour/>`)))).toThrow()
    expect(() => validate(Buffer.from(documentText(`${ROOT_CERT}<no-ice>yes</no-ice>`)))).toThrow()
    validate(Buffer.from(documentText(ROOT_CERT)))
  })

  it('read back as they were, in every field', () => {
    expect(parsed(wrapOverlay(writeConfiguration(FULL), undefined))).toEqual(FULL)
    const onlyOverlay = anOverlay('example.org', {
      rootCerts: [der],
      domainRestriction: { enable: false, patterns: [] },
    })
    expect(parsed(wrapOverlay(writeConfiguration(onlyOverlay), undefined))).toEqual(onlyOverlay)
  })

  it('R6940-11.1-30 are the same bytes for the same values, and survive the wrapping unchanged', () => {
    const element = writeConfiguration(FULL)
    expect(writeConfiguration({ ...FULL })).toEqual(element)
    const result = parseConfiguration(wrapOverlay(element, 'AQID'), 'example.org')
    expect(result.ok && result.value.signedBytes).toEqual(element)
    expect(result.ok && result.value.signatures).toEqual([Uint8Array.of(1, 2, 3)])
  })

  it('R6940-11.1-28 hand the literal bytes of each Kind to its signer', () => {
    const handed: string[] = []
    const element = writeConfiguration(FULL, (kind) => {
      handed.push(fromUtf8(kind))
      return 'AQID'
    })
    const result = parseConfiguration(wrapOverlay(element, undefined), 'example.org')
    expect(result.ok && result.value.kindBlocks.map((block) => fromUtf8(block.signedBytes))).toEqual(handed)
    expect(handed).toHaveLength(5)
  })
})
