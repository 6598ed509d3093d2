/** Trunks into other networks, as far as one of them is concerned alone: credentials, registration, whom its calls are for. */
export { asksForLine, calledTrunk, calledUser, type CalledUser } from './called-user.ts'
export { Line } from './line.ts'
export {
  TrunkRegistration,
  type RegisterMessage,
  type RegistrationHost,
  type TrunkState,
} from './registration.ts'
export type { Trunk, TrunkAccount, TrunkRegistrationWish } from './trunk.ts'
