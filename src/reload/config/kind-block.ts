/** `<kind-block>` of required-kinds (RFC 6940 s.11.1). */
import type { DataModel } from '../codec/index.ts'
import { invalid, unsupported } from './fault.ts'
import { attribute, baseNames, Fields, onlyAttributes } from './fields.ts'
import { asRegistered, registeredKind, registeredKindNamed } from './kinds.ts'
import type { AccessControl, KindDefinition } from './types.ts'
import { base64Value, integerValue, shown, token } from './values.ts'
import type { XmlDocument, XmlElement } from './xml.ts'

export interface KindBlock {
  /** With the registered data model and access control when the Kind is registered. */
  readonly definition: KindDefinition
  readonly element: XmlElement
  /** From `<` of `<kind>` to its last `>`: what kind-signature covers. */
  readonly signedBytes: Uint8Array
  /** An encoded SecurityBlock; checked by security/document-signature.ts. */
  readonly signature: Uint8Array | undefined
  /** What the document says otherwise than the registration. */
  readonly warnings: readonly string[]
}

const BLOCK = new Set(baseNames('kind', 'kind-signature'))
const PARAMETERS = new Set(
  baseNames('max-count', 'max-size', 'max-node-multiple', 'data-model', 'access-control'),
)
const INT_MAX = 0x7fff_ffff
const RESERVED_IDS: ReadonlySet<number> = new Set([0, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff])

const DATA_MODELS: ReadonlyMap<string, DataModel> = new Map([
  ['SINGLE', 'single'],
  ['ARRAY', 'array'],
  ['DICTIONARY', 'dictionary'],
])

const ACCESS_CONTROLS: ReadonlySet<string> = new Set<AccessControl>([
  'USER-MATCH',
  'NODE-MATCH',
  'USER-NODE-MATCH',
  'NODE-MULTIPLE',
])

/** Reads one kind-block. Throws `ConfigError`: `unsupported` for a Kind that this node cannot store. */
export function kindBlock(document: XmlDocument, block: XmlElement): KindBlock {
  const parts = new Fields(block, BLOCK)
  const kind = parts.one('kind')
  if (kind === undefined) throw invalid('<kind-block> has no <kind>')
  const signature = parts.text('kind-signature')
  return {
    ...definitionOf(kind),
    element: kind,
    signedBytes: document.bytesOf(kind),
    signature: signature === undefined ? undefined : base64Value(signature, 'kind-signature'),
  }
}

function definitionOf(kind: XmlElement): { definition: KindDefinition; warnings: readonly string[] } {
  onlyAttributes(kind, 'name', 'id')
  const fields = new Fields(kind, PARAMETERS)
  const { id, name } = identityOf(kind)
  const dataModelName = token(fields.required('data-model'))
  const accessControl = token(fields.required('access-control'))
  const maxCount = integerValue(fields.required('max-count'), 'max-count', 1, INT_MAX)
  const maxSize = integerValue(fields.required('max-size'), 'max-size', 1, INT_MAX)
  const multiple = fields.text('max-node-multiple')
  const maxNodeMultiple = multiple === undefined ? 0 : integerValue(multiple, 'max-node-multiple', 1, INT_MAX)

  const registered = registeredKind(id)
  if (registered !== undefined) {
    const given: KindDefinition = { ...registered, maxCount, maxSize, maxNodeMultiple }
    const same =
      DATA_MODELS.get(dataModelName) === registered.dataModel && accessControl === registered.accessControl
    const warning = `Kind ${name}: ${shown(dataModelName)}/${shown(accessControl)} ignored, the registration rules`
    return { definition: asRegistered(given, registered), warnings: same ? [] : [warning] }
  }
  const dataModel = DATA_MODELS.get(dataModelName)
  if (dataModel === undefined) throw unsupported(`Kind ${name}: data model ${shown(dataModelName)}`)
  // RFC 6940 s.7.3: without a policy that we know, nothing of this Kind may be stored.
  if (!isAccessControl(accessControl))
    throw unsupported(`Kind ${name}: access control ${shown(accessControl)}`)
  if (accessControl === 'USER-NODE-MATCH' && dataModel !== 'dictionary') {
    throw invalid(`Kind ${name}: USER-NODE-MATCH is for dictionaries only`)
  }
  if (accessControl === 'NODE-MULTIPLE' && maxNodeMultiple === 0) {
    throw invalid(`Kind ${name}: NODE-MULTIPLE without max-node-multiple`)
  }
  const definition = { id, name, dataModel, accessControl, maxCount, maxSize, maxNodeMultiple }
  return { definition, warnings: [] }
}

/** Either the registered name or a Kind-ID, not both. */
function identityOf(kind: XmlElement): { id: number; name: string } {
  const name = attribute(kind, 'name')
  const id = attribute(kind, 'id')
  if ((name === undefined) === (id === undefined)) throw invalid('<kind> needs either name or id')
  if (name !== undefined) {
    const registered = registeredKindNamed(token(name))
    if (registered === undefined) throw unsupported(`Kind "${shown(name)}" is not known`)
    return registered
  }
  const number = integerValue(id as string, 'kind id', 0, 0xffff_ffff)
  if (RESERVED_IDS.has(number)) throw invalid(`Kind-ID ${number} is reserved`)
  return { id: number, name: registeredKind(number)?.name ?? String(number) }
}

function isAccessControl(text: string): text is AccessControl {
  return ACCESS_CONTROLS.has(text)
}
