/**
 * RFC 3261 s.10.3 items 6 and 7 as a function: current bindings and a REGISTER in, the bindings as they should become out.
 * Nothing is changed here, so a refused request leaves no trace.
 */
import { detached } from '../../common/detached.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { Millis } from '../../common/time.ts'
import { parseUri, qThousandths, type NameAddr, type SipMessage } from '../message/index.ts'
import type { Binding } from './binding.ts'
import { findBinding } from './contact-match.ts'
import { readContact, type ReadContact } from './contact-policy.ts'
import { GruuEpochs } from './gruu-epochs.ts'
import { kept, keptParameters, keptReach, keptUserAgent } from './kept.ts'
import { outboundRegId } from './outbound.ts'
import { isLookedUp, reachOf } from './reach.ts'
import {
  expiresSeconds,
  listsOption,
  rejection,
  type RegisterRequest,
  type Rejection,
} from './register-request.ts'
import type { RegistrarSettings } from './registrar-settings.ts'

export interface SavePlan {
  readonly kind: 'query' | 'initial' | 'refresh' | 'remove'
  readonly bindings: readonly Binding[]
  /** False: nothing to commit, nothing to publish. */
  readonly changed: boolean
  readonly replaced: number
  /** Outbound was applied to a binding (RFC 5626 s.6). */
  readonly outbound: boolean
}

const PATH_UNSUPPORTED = rejection(420, 'Bad Extension', [['Unsupported', 'path']])
const PUSH_UNSUPPORTED = rejection(555, 'Push Notification Service Not Supported')
const TOO_MANY = rejection(403, 'Too Many Bindings')
const OUT_OF_ORDER = rejection(500, 'Out Of Order', [['Retry-After', '5']])

export function planSave(
  current: readonly Binding[],
  request: RegisterRequest<unknown>,
  now: Millis,
  settings: RegistrarSettings,
  freshEpoch: () => string,
): Result<SavePlan, Rejection> {
  const { message } = request
  const live = current.filter((binding) => binding.endsAt > now)
  const contacts = message.contacts()
  if (!contacts.ok) {
    return fail(
      rejection(400, message.header('contact')?.startsWith('*') ? 'Bad Wildcard Contact' : 'Bad Contact'),
    )
  }
  if (contacts.value === '*') return removeAll(live, message)
  if (contacts.value.length === 0) {
    return ok({ kind: 'query', bindings: live, changed: false, replaced: 0, outbound: false })
  }
  const epochs = new GruuEpochs(live, message.callId, freshEpoch)
  return saveEach(live, contacts.value, request, now, settings, epochs)
}

function removeAll(live: readonly Binding[], message: SipMessage): Result<SavePlan, Rejection> {
  // S3261-10.3-09: only together with `Expires: 0`.
  const expires = message.header('expires')
  if (expires === undefined || !/^0+$/.test(expires)) return fail(rejection(400, 'Bad Wildcard Contact'))
  for (const binding of live) if (isStale(binding, message)) return fail(OUT_OF_ORDER)
  return ok({ kind: 'remove', bindings: [], changed: live.length > 0, replaced: 0, outbound: false })
}

/** RFC 3261 s.10.3: within one Call-ID the CSeq must rise. */
function isStale(binding: Binding, message: SipMessage): boolean {
  return binding.callId === message.callId && message.cseq.number <= binding.cseq
}

function saveEach(
  live: readonly Binding[],
  contacts: readonly NameAddr[],
  request: RegisterRequest<unknown>,
  now: Millis,
  settings: RegistrarSettings,
  epochs: GruuEpochs,
): Result<SavePlan, Rejection> {
  const { message } = request
  const path = message.values('path')
  // E37, RFC 3327 s.5.3.
  if (settings.refusePath === true && path.length > 0 && !listsOption(message, 'supported', 'path'))
    return fail(PATH_UNSUPPORTED)
  const secureRequest = message.uri?.scheme === 'sips' && path.every(isSipsRoute)
  const defaultExpires = message.header('expires')
  const planned = [...live]
  let replaced = 0
  let added = 0
  let removed = 0
  let outbound = false
  let withRegId = false
  let contactsKept = 0

  for (const contact of contacts) {
    const read = readContact(contact, request.aor, path.length > 0, secureRequest, settings)
    if (!read.ok) return read
    const seconds = grantedSeconds(contact, defaultExpires, settings)
    if (seconds === undefined) {
      return fail(rejection(423, 'Interval Too Brief', [['Min-Expires', String(settings.minExpiresS)]]))
    }
    const regId = request.outbound === false ? NO_REG_ID : outboundRegId(message, read.value, path, settings)
    if (!regId.ok) return regId
    if (regId.value !== undefined) outbound = true
    if (seconds > 0) {
      // E59, RFC 8599 s.5.6.1; without a value the phone only asks which services there are.
      if (settings.refusePush === true && (read.value.uri?.params.get('pn-provider') ?? '') !== '')
        return fail(PUSH_UNSUPPORTED)
      contactsKept++
      if (read.value.regId !== undefined) withRegId = true
      if (contactsKept > 1 && withRegId) return fail(rejection(400, 'Several Contacts With reg-id'))
    }
    const key = {
      uri: contact.uri,
      instance: read.value.instance,
      regId: regId.value,
      removes: seconds === 0,
    }
    const index = findBinding(planned, key)
    const existing = planned[index]
    if (existing !== undefined && live.includes(existing) && isStale(existing, message))
      return fail(OUT_OF_ORDER)
    if (seconds === 0) {
      if (index >= 0) {
        planned.splice(index, 1)
        removed++
      }
      continue
    }
    const gruuEpoch = epochs.of(read.value.instance, regId.value)
    const wanted = { contact, read: read.value, regId: regId.value, path, seconds, gruuEpoch }
    const made = newBinding(wanted, existing, request, now)
    if (settings.directOnly && made.kind === 'device' && !made.direct && !made.lookedUp) {
      return fail(rejection(403, 'Needs A Proxy Peer'))
    }
    if (existing === undefined) {
      // Others may yet go, but nobody names them without end.
      if (planned.length >= 2 * settings.maxBindings) return fail(TOO_MANY)
      planned.push(made)
      added++
    } else {
      planned[index] = made
      replaced++
    }
  }
  // RFC 3261 s.10.3: one REGISTER is done as a whole, in whatever order its Contacts stand.
  if (added > 0 && !fits(planned, settings.maxBindings)) return fail(TOO_MANY)
  const kind = added > 0 ? 'initial' : replaced > 0 ? 'refresh' : 'remove'
  // A copy has room for what is in it and no more.
  const bindings = epochs.settled(planned.length === live.length ? planned : planned.slice())
  return ok({ kind, bindings, changed: added + removed + replaced > 0, replaced, outbound })
}

/** Phones that have lost their connection make room, the oldest first: nobody reaches them by these bindings any more (RFC 5626 s.7). */
function fits(planned: Binding[], most: number): boolean {
  for (let index = 0; index < planned.length && planned.length > most;) {
    if (planned[index]?.flowLost === true) planned.splice(index, 1)
    else index++
  }
  return planned.length <= most
}

/** RFC 5630 s.5.2: a sips Contact behind a hop that is not would be secure in name only. */
function isSipsRoute(route: string): boolean {
  return parseUri(route.slice(route.indexOf('<') + 1, route.lastIndexOf('>')))?.scheme === 'sips'
}

/** Seconds to grant, 0 to remove; undefined when the wish is too short (423). */
function grantedSeconds(
  contact: NameAddr,
  header: string | undefined,
  settings: RegistrarSettings,
): number | undefined {
  const asked = contact.params.get('expires') ?? header
  const seconds = asked === undefined ? settings.defaultExpiresS : expiresSeconds(asked)
  // RFC 3261 s.10.3 item 7: an hour or more is never too brief.
  if (seconds > 0 && seconds < 3600 && seconds < settings.minExpiresS) return undefined
  return Math.min(seconds, settings.maxExpiresS)
}

/** One Contact with what has been found out about it. */
interface WantedBinding {
  readonly contact: NameAddr
  readonly read: ReadContact
  readonly regId: string | undefined
  readonly path: readonly string[]
  readonly seconds: number
  readonly gruuEpoch: string | undefined
}

function newBinding(
  wanted: WantedBinding,
  existing: Binding | undefined,
  request: RegisterRequest<unknown>,
  now: Millis,
): Binding {
  const { contact, read, regId, path, seconds, gruuEpoch } = wanted
  const { message } = request
  const sameEpoch = existing?.gruuEpoch === gruuEpoch && existing?.callId === message.callId
  // Whole milliseconds: with a fraction the seconds left, rounded up, are one more than were asked for. And they take no memory of their own.
  const at = Math.floor(now)
  const expiresAt = at + seconds * 1000
  const { reach, direct } = reachOf(read.uri, request.source, message, request.elsewhere)
  return {
    kind: read.kind,
    contact: kept(contact.uri, existing?.contact),
    parameters: keptParameters(contact.params, existing?.parameters),
    instance: read.instance === undefined ? undefined : kept(read.instance, existing?.instance),
    regId: regId === undefined ? undefined : kept(regId, existing?.regId),
    gruuEpoch,
    gruuCseq: sameEpoch ? existing.gruuCseq : message.cseq.number,
    q: qThousandths(contact.params.get('q')),
    callId: kept(message.callId, existing?.callId),
    cseq: message.cseq.number,
    path: path.length === 0 ? NO_PATH : path.map(detached),
    reach: keptReach(regId === undefined ? reach : request.source, existing?.reach),
    direct: direct && regId === undefined,
    pinned: request.elsewhere === false,
    lookedUp:
      read.kind === 'device' &&
      regId === undefined &&
      isLookedUp(read.uri, request.source, message, request.elsewhere),
    secure: read.uri?.scheme === 'sips',
    userAgent: keptUserAgent(message.header('user-agent')),
    since: existing?.since ?? at,
    registeredAt: at,
    expiresAt,
    endsAt: expiresAt,
    flowLost: false,
  }
}

const NO_PATH: readonly string[] = []
const NO_REG_ID = ok(undefined)
