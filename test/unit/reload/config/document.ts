/** Documents by hand: what is not named is left out, so that defaults show. */
import { utf8 } from '../../../../src/common/bytes.ts'
import {
  parseConfiguration,
  type ConfigFault,
  type OverlayConfiguration,
} from '../../../../src/reload/config/index.ts'

export const NAMESPACES =
  'xmlns="urn:ietf:params:xml:ns:p2p:config-base" xmlns:chord="urn:ietf:params:xml:ns:p2p:config-chord"' +
  ' xmlns:sip="urn:ietf:params:xml:ns:p2p:config-base:sip" xmlns:ext="urn:example:ext"'

/** A DER SEQUENCE that passes for a certificate as long as nobody looks inside. */
export const ROOT_CERT = `<root-cert>${Buffer.concat([Buffer.of(0x30, 0x82, 1, 0), Buffer.alloc(256)]).toString('base64')}</root-cert>`

export function documentText(
  parameters: string,
  attributes = 'instance-name="example.org" sequence="7"',
): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<overlay ${NAMESPACES}><configuration ${attributes}>${parameters}</configuration></overlay>`
}

/** The configuration, or the fault. A root-cert is added. */
export function configured(parameters: string, attributes?: string): OverlayConfiguration & ConfigFault {
  return plain(documentText(ROOT_CERT + parameters, attributes))
}

/** The same for a whole document; both shapes in one, so that tests say only what they look for. */
export function plain(text: string, name = 'example.org'): OverlayConfiguration & ConfigFault {
  const parsed = parseConfiguration(utf8(text), name)
  return (parsed.ok ? parsed.value.configuration : parsed.error) as OverlayConfiguration & ConfigFault
}

export function kindBlock(kind: string, parameters: string): string {
  return `<required-kinds><kind-block><kind ${kind}>${parameters}</kind></kind-block></required-kinds>`
}

export const LIMITS = '<max-count>3</max-count><max-size>400</max-size>'
