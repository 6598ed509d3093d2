/** Requests addressed to this node itself: OPTIONS is answered, the rest is refused (RFC 3261 s.8.2 and s.11). */
import { isKnownMethod, parseParams, type SipMessage } from '../message/index.ts'
import { bodyParts } from './body-parts.ts'
import type { Headers, Reply } from './replies.ts'

/** What this node serves itself. */
export const OWN_METHODS = 'OPTIONS, REGISTER'
/** What it forwards besides. */
const FORWARDED_METHODS =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, MESSAGE, INFO, SUBSCRIBE, NOTIFY, REFER, PUBLISH'

/**
 * The extensions that this node speaks itself, which is what it may claim. Outbound (RFC 5626) is a matter of registrar and proxy
 * together.
 */
export function extensionsOf(roles: {
  readonly registrar: boolean
  readonly proxy: boolean
}): readonly string[] {
  if (!roles.registrar) return []
  return roles.proxy ? ['path', 'outbound', 'gruu'] : ['path', 'gruu']
}

const CONTENT_TYPE = 'application/sdp'
const LANGUAGE = 'en'

/** RFC 3261 s.8.2.2.2. */
export const MERGED: Reply = { status: 482, reason: 'Merged Request' }

/** E52: RFC 6665 s.8.3.2 wants the list of packages, which is that of users here and not of the node (RFC 3680). */
const OTHER_EVENTS: Reply = { status: 489, reason: 'Bad Event', headers: [['Allow-Events', 'reg']] }
/** Nothing is published here (RFC 3903 s.6). */
export const NO_EVENTS: Reply = { status: 489, reason: 'Bad Event', headers: [['Allow-Events', '']] }

/** What a body for this node may be. */
const CONTENT_CAPABILITIES: Headers = [
  ['Accept', CONTENT_TYPE],
  ['Accept-Encoding', 'identity'],
  ['Accept-Language', LANGUAGE],
]

function capabilities(extensions: readonly string[]): Headers {
  return [['Allow', FORWARDED_METHODS], ...CONTENT_CAPABILITIES, ['Supported', extensions.join(', ')]]
}

/** S3261-8.2-01: method, then Require, then the content. No answer has content, so that any Accept is met (RFC 3261 s.21.4.7). */
export function answerAsTarget(message: SipMessage, extensions: readonly string[]): Reply {
  const { method } = message
  if (!isKnownMethod(method))
    return { status: 501, reason: 'Not Implemented', headers: [['Allow', OWN_METHODS]] }
  // E51: we are party to no dialog.
  if (message.to.params.has('tag')) return { status: 481, reason: 'Call Does Not Exist' }
  if (method === 'PUBLISH') return NO_EVENTS
  if (method === 'SUBSCRIBE' || method === 'NOTIFY') return extensions.length === 0 ? NO_EVENTS : OTHER_EVENTS
  if (method !== 'OPTIONS')
    return { status: 405, reason: 'Method Not Allowed', headers: [['Allow', OWN_METHODS]] }
  return (
    unsupported(message, 'require', extensions) ??
    unusableBody(message) ?? { status: 200, reason: 'OK', headers: capabilities(extensions) }
  )
}

/** E42: content of a kind that we do nothing with, unless the sender says that it does not matter (RFC 3261 s.8.2.3). */
export function unusableBody(message: SipMessage): Reply | undefined {
  if (message.bodyLength === 0) return undefined
  const head = (name: 'content-disposition' | 'content-type' | 'content-encoding'): string =>
    message.header(name) ?? ''
  if (isOptional(head('content-disposition'))) return undefined
  if (isOurs(head('content-type'), head('content-encoding')) && isOurLanguage(message)) return undefined
  // Several parts matter as much as the one of them that matters most: some phones put a wish of their maker beside nothing.
  const parts = bodyParts(message)
  const unusable = parts?.some(
    (part) =>
      !isOptional(part.get('content-disposition') ?? '') &&
      !isOurs(part.get('content-type') ?? '', part.get('content-encoding') ?? ''),
  )
  if (unusable === false) return undefined
  return { status: 415, reason: 'Unsupported Media Type', headers: CONTENT_CAPABILITIES }
}

function isOptional(disposition: string): boolean {
  const semicolon = disposition.indexOf(';')
  const params = semicolon < 0 ? undefined : parseParams(disposition, semicolon, disposition.length)
  return params?.get('handling')?.toLowerCase() === 'optional'
}

function isOurs(type: string, encoding: string): boolean {
  const bare = type.split(';')[0]?.trim().toLowerCase()
  return bare === CONTENT_TYPE && ['', 'identity'].includes(encoding.trim().toLowerCase())
}

/** Content for several audiences is for us too when ours is among them. */
function isOurLanguage(message: SipMessage): boolean {
  if (!message.has('content-language')) return true
  return message
    .values('content-language')
    .some((each) => each.split('-')[0]?.trim().toLowerCase() === LANGUAGE)
}

/** 420 with exactly the tags that we do not know (E22, E23), or undefined. */
export function unsupported(
  message: SipMessage,
  header: 'require' | 'proxy-require',
  extensions: readonly string[],
): Reply | undefined {
  if (!message.has(header)) return undefined
  const unknown = message.values(header).filter((tag) => !extensions.includes(tag.toLowerCase()))
  if (unknown.length === 0) return undefined
  return { status: 420, reason: 'Bad Extension', headers: [['Unsupported', unknown.join(', ')]] }
}
