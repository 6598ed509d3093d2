/** What a caller wants of the phones that it reaches: Accept-Contact and Reject-Contact against their feature sets (RFC 3841 s.7.2). */
import { parseParams, type SipMessage } from '../message/index.ts'
import { areCompatible, featureSet, holdsForAll, type FeatureSet } from './features.ts'

/** RFC 3841 s.11: about as many rules as a request may have. */
const RULES_MAX = 20

interface AcceptRule {
  readonly features: FeatureSet
  readonly require: boolean
  readonly explicit: boolean
}

/** Full score, also of who states nothing and is immune. Thousandths. */
export const PREFERENCE_MAX = 1000

export type PreferencesOutcome =
  | { readonly kind: 'none' }
  | { readonly kind: 'preferences'; readonly preferences: CallerPreferences }
  | { readonly kind: 'refused'; readonly reason: string }

const NONE: PreferencesOutcome = { kind: 'none' }
const NO_FEATURES: FeatureSet = new Map()

/** The rules of a request; refused when they cannot be read or are too many. */
export function callerPreferences(message: SipMessage): PreferencesOutcome {
  if (!message.has('accept-contact') && !message.has('reject-contact')) return NONE
  const accept: AcceptRule[] = []
  const reject: FeatureSet[] = []
  for (const value of message.values('accept-contact')) {
    const parameters = parametersOf(value)
    if (parameters === undefined) return { kind: 'refused', reason: 'Bad Accept-Contact' }
    accept.push({
      features: featureSet(parameters) ?? NO_FEATURES,
      require: parameters.has('require'),
      explicit: parameters.has('explicit'),
    })
  }
  for (const value of message.values('reject-contact')) {
    const parameters = parametersOf(value)
    if (parameters === undefined) return { kind: 'refused', reason: 'Bad Reject-Contact' }
    const features = featureSet(parameters)
    // A rule that names nothing would discard everybody who states anything.
    if (features !== undefined) reject.push(features)
  }
  if (accept.length + reject.length > RULES_MAX) return { kind: 'refused', reason: 'Too Many Preferences' }
  return { kind: 'preferences', preferences: new CallerPreferences(accept, reject) }
}

/** `*` and parameters. */
function parametersOf(value: string): ReadonlyMap<string, string> | undefined {
  if (!value.startsWith('*')) return undefined
  const rest = value.slice(1).trim()
  if (rest === '') return new Map()
  return rest.startsWith(';') ? parseParams(rest, 0, rest.length) : undefined
}

export class CallerPreferences {
  private readonly accept: readonly AcceptRule[]
  private readonly reject: readonly FeatureSet[]

  constructor(accept: readonly AcceptRule[], reject: readonly FeatureSet[]) {
    this.accept = accept
    this.reject = reject
  }

  /**
   * How much a contact is what the caller wants (Qa in thousandths); undefined when it is to be left out. `parameters` are those of its
   * registration; without features there it is immune. `several`: they say what the phones at another node have in common (M-13), and
   * nothing of what one of them has alone, or keeps private. That node knows its phones, and goes by the same wishes.
   */
  judge(parameters: ReadonlyMap<string, string> | undefined, several = false): number | undefined {
    const features = parameters === undefined ? undefined : featureSet(parameters)
    if (features === undefined) return PREFERENCE_MAX
    for (const unwanted of this.reject) {
      const applies = several ? holdsForAll(unwanted, features) : areCompatible(unwanted, features)
      if (applies && statesAll(features, unwanted)) return undefined
    }
    let sum = 0
    let matching = 0
    for (const { features: wanted, require, explicit } of this.accept) {
      if (!areCompatible(wanted, features)) {
        if (require) return undefined
        continue
      }
      let score = scoreOf(features, wanted)
      if (explicit && score < 1) {
        // Whoever rings at another node then has it.
        if (require && !several) return undefined
        score = require ? 1 : 0
      }
      sum += score
      matching++
    }
    if (this.accept.length === 0) return PREFERENCE_MAX
    return matching === 0 ? 0 : Math.round((PREFERENCE_MAX * sum) / matching)
  }
}

function statesAll(features: FeatureSet, wanted: FeatureSet): boolean {
  for (const tag of wanted.keys()) if (!features.has(tag)) return false
  return true
}

/** The share of what is wanted that the contact says anything about. */
function scoreOf(features: FeatureSet, wanted: FeatureSet): number {
  if (wanted.size === 0) return 1
  let stated = 0
  for (const tag of wanted.keys()) if (features.has(tag)) stated++
  return stated / wanted.size
}

/**
 * RFC 3841 s.7.2.2: without any rules the method, and the event of a subscription, are such a wish. True for a contact that says that it
 * does not serve them.
 */
export function isUnsuitedFor(
  message: SipMessage,
  parameters: ReadonlyMap<string, string> | undefined,
): boolean {
  const methods = parameters?.get('methods')
  if (methods !== undefined && !serves('methods', methods, message.method)) return true
  const events = message.method === 'SUBSCRIBE' ? parameters?.get('events') : undefined
  const event = events === undefined ? undefined : message.header('event')?.split(';')[0]?.trim()
  return events !== undefined && event !== undefined && event !== '' && !serves('events', events, event)
}

function serves(name: string, stated: string, wanted: string): boolean {
  // What nearly all phones say nearly always: a list with this very word in it.
  const at = stated.indexOf(wanted)
  if (at >= 0 && isEdge(stated, at - 1) && isEdge(stated, at + wanted.length)) return true
  const features = featureSet(new Map([[name, stated]]))
  const wish = featureSet(new Map([[name, wanted]]))
  return features === undefined || wish === undefined || areCompatible(wish, features)
}

function isEdge(text: string, at: number): boolean {
  return at < 0 || at >= text.length || text[at] === ',' || text[at] === '"' || text[at] === ' '
}
