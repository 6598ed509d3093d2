/** The headers of a 200 to REGISTER (RFC 3261 s.10.3 item 8). */
import type { Millis, Now } from '../../common/time.ts'
import { formatDate, formatParams, type SipMessage } from '../message/index.ts'
import type { Binding } from './binding.ts'
import type { SavePlan } from './plan-save.ts'
import type { Gruus } from './gruus.ts'
import { listsOption } from './register-request.ts'

/** Every current binding with what is left of its time, Date, and what extensions echo. */
export function savedHeaders(
  now: Now,
  aor: string,
  message: SipMessage,
  plan: SavePlan,
  bindings: readonly Binding[],
  own: {
    readonly serviceRoute: string | undefined
    readonly gruus: Gruus | undefined
    /** What the user has registered at other nodes. */
    readonly elsewhere?: readonly { readonly uri: string; readonly expiresS: number }[]
  },
): [string, string][] {
  const headers: [string, string][] = []
  const { serviceRoute, gruus, elsewhere = [] } = own
  // RFC 5627 s.5.2: for phones that can do something with them.
  const written =
    gruus !== undefined && listsOption(message, 'supported', 'gruu')
      ? gruus.parameters(aor, bindings)
      : NO_GRUUS
  for (const binding of bindings) {
    const gruu = binding.instance === undefined ? undefined : written.get(binding.instance)
    const contact = contactOf(binding, now.ms)
    headers.push(['Contact', gruu === undefined ? contact : contact + gruu])
  }
  // M-09.
  for (const { uri, expiresS } of elsewhere)
    headers.push(['Contact', `<${uri}>;expires=${expiresS};+x.remote`])
  for (const value of message.values('path')) headers.push(['Path', value])
  if (serviceRoute !== undefined) headers.push(['Service-Route', serviceRoute])
  // RFC 5626 s.6: only when it was applied and the phone knows it.
  if (plan.outbound && listsOption(message, 'supported', 'outbound')) headers.push(['Require', 'outbound'])
  headers.push(['Date', formatDate(now.wall)])
  return headers
}

const NO_GRUUS: ReadonlyMap<string, string> = new Map()

function contactOf(binding: Binding, now: Millis): string {
  const seconds = Math.max(0, Math.ceil((binding.expiresAt - now) / 1000))
  return `<${binding.contact}>${formatParams(binding.parameters)};expires=${seconds}`
}
