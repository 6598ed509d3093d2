/** When a reg-id counts (RFC 5626 s.6). */
import { fail, ok, type Result } from '../../common/errors.ts'
import { parseNameAddr, type SipMessage } from '../message/index.ts'
import type { ReadContact } from './contact-policy.ts'
import { listsOption, rejection, type Rejection } from './register-request.ts'
import type { RegistrarSettings } from './registrar-settings.ts'

/**
 * The reg-id when outbound applies, undefined when the Contact is to be treated as an ordinary one; 439 when the phone
 * asked for outbound but something that does not speak it stands between.
 */
export function outboundRegId(
  message: SipMessage,
  contact: ReadContact,
  path: readonly string[],
  settings: RegistrarSettings,
): Result<string | undefined, Rejection> {
  if (contact.regId === undefined || !settings.outbound) return ok(undefined)
  if (!listsOption(message, 'supported', 'outbound')) return ok(undefined)
  if (message.viaCount === 1 || isOutbound(path[0])) return ok(contact.regId)
  return fail(rejection(439, 'First Hop Lacks Outbound Support'))
}

/** The URI of the hop says that it keeps the flow. */
function isOutbound(hop: string | undefined): boolean {
  return hop !== undefined && parseNameAddr(hop)?.parsedUri?.params.has('ob') === true
}
