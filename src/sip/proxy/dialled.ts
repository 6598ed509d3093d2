/**
 * What stands behind a telephone number and is dialled with it (RFC 3261 s.19.1.6): the extension of a station, an ISDN subaddress, and the
 * digits for whoever answers. All else that strangers write there is not for a gateway. Pure.
 */
import { escapeUser, percentDecode, stripSeparators, type SipUri } from '../message/index.ts'

/** Parameters as they stand in a user part. RFC 3966 s.3: a phone-context comes between the two. */
export interface DialledWith {
  readonly beforeContext: string
  readonly afterContext: string
}

const NOTHING: DialledWith = { beforeContext: '', afterContext: '' }

const DIGITS = '0123456789'
/** Digits of a telephone, and pauses (RFC 2806 s.2.2). */
const POST_DIAL = `${DIGITS}*#abcdpw`
/** Judgement: RFC 3966 s.5.2 allows any octet. What could end the parameter is left out, even where it is escaped. */
const SUBADDRESS = `${DIGITS}abcdefghijklmnopqrstuvwxyz-._`

/** Nothing where `dialled` is no telephone-subscriber, or of another number than the one that is called. */
export function dialledWith(number: string, dialled: SipUri | undefined): DialledWith {
  const subscriber = dialled === undefined ? undefined : subscriberOf(dialled)
  if (subscriber === undefined) return NOTHING
  const [digits = '', ...parameters] = subscriber.split(';')
  if (parameters.length === 0 || stripSeparators(percentDecode(digits)) !== number) return NOTHING
  const isub = written('isub', valueOf('isub', parameters), SUBADDRESS)
  const ext = written('ext', stripSeparators(valueOf('ext', parameters)), DIGITS)
  const postd = written('postd', stripSeparators(valueOf('postd', parameters)), POST_DIAL)
  return { beforeContext: isub + ext, afterContext: postd }
}

function subscriberOf({ scheme, raw, user, params }: SipUri): string | undefined {
  if (scheme === 'tel') return raw.slice(raw.indexOf(':') + 1)
  return params.get('user')?.toLowerCase() === 'phone' ? user : undefined
}

/** In small letters, as RFC 3261 s.19.1.6 has it, so that what is equal looks equal; '' without one. */
function valueOf(name: string, parameters: readonly string[]): string {
  for (const text of parameters) {
    const equals = text.indexOf('=')
    if (equals > 0 && text.slice(0, equals).toLowerCase() === name)
      return percentDecode(text.slice(equals + 1)).toLowerCase()
  }
  return ''
}

/** '' when other characters stand in it, too. */
function written(name: string, value: string, allowed: string): string {
  for (const char of value) if (!allowed.includes(char)) return ''
  return value === '' ? '' : `;${name}=${escapeUser(value)}`
}
