/** What a subscription keeps of its SUBSCRIBE, for hours: in memory of its own, and not more than a bound. */
import { detached } from '../../common/detached.ts'
import { type SipMessage } from '../message/index.ts'
import { REG_EVENT } from './subscribe-request.ts'

/** Judgement, of all of it together: phones send some hundred characters, and proxies between them and us add a few routes. */
export const DIALOG_CHARS_MAX = 4_096

export interface DialogTexts {
  readonly callId: string
  /** Our side of the dialog, without the tag that we add. */
  readonly to: string
  readonly from: string
  readonly fromTag: string
  readonly routes: readonly string[]
  readonly target: string
  readonly event: string
}

/** `target`: the Contact of the request. Undefined when it is all too long. */
export function dialogTexts(message: SipMessage, target: string): DialogTexts | undefined {
  const { callId } = message
  const to = message.header('to') ?? ''
  const from = message.header('from') ?? ''
  const fromTag = message.from.params.get('tag') ?? ''
  const event = message.header('event') ?? REG_EVENT
  const routes = message.values('record-route')
  let length = callId.length + to.length + from.length + fromTag.length + event.length + target.length
  for (const route of routes) length += route.length
  if (length > DIALOG_CHARS_MAX) return undefined
  return {
    callId: detached(callId),
    to: detached(to),
    from: detached(from),
    fromTag: detached(fromTag),
    routes: routes.map(detached),
    target: detached(target),
    event: detached(event),
  }
}
