/** Event notification, for sip/core: the `reg` package (RFC 3680) on RFC 6665. */
export { DIALOG_CHARS_MAX, dialogTexts } from './dialog-texts.ts'
export { RegNotifier, type NotifierHost, type NotifyOutcome, type NotifyRequest } from './notifier.ts'
export type { GruuPair } from './reginfo.ts'
export { eventOf, grantedSeconds, REG_EVENT } from './subscribe-request.ts'
export { dialogKey, type NotifierDialog, type Subscription } from './subscription.ts'
export { changes, type WatchedBinding } from './watched.ts'
