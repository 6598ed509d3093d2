/** The registrar, for sip/core. */
export { isLive, type Binding, type BindingKind, type Reach } from './binding.ts'
export type { PublishableBinding } from './published.ts'
export { Gruus, type GruuMeaning } from './gruus.ts'
export { reachOf, reachWithoutFlow } from './reach.ts'
export { listsOption, rejection, type RegisterRequest, type Rejection } from './register-request.ts'
export { Registrar, type PublishCause, type RegisterOutcome, type RegistrarHost } from './registrar.ts'
export type { RegistrarSettings } from './registrar-settings.ts'
export { savedHeaders } from './saved-headers.ts'
