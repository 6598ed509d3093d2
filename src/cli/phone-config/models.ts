/** The phones that `phone-config` knows. */
import { didYouMean } from '../../app/config/fault.ts'
import { UsageError } from '../command.ts'
import type { PhoneModel } from './account.ts'
import { cisco, grandstream, mitel, polycom, snom, yealink } from './desk-phones.ts'
import { baresip, linphone, pjsua, zoiper } from './softphones.ts'

export const MODELS: readonly PhoneModel[] = [
  yealink,
  polycom,
  grandstream,
  cisco,
  mitel,
  snom,
  linphone,
  zoiper,
  baresip,
  pjsua,
]

/** By name or one of its other words. Throws `UsageError`. */
export function modelNamed(text: string): PhoneModel {
  const word = text.toLowerCase()
  const found = MODELS.find(({ name, aliases }) => name === word || aliases.includes(word))
  if (found !== undefined) return found
  const names = MODELS.map(({ name }) => name)
  const meant = didYouMean(word, names)
  const hint = meant === undefined ? '' : `did you mean ${meant}? `
  throw new UsageError(`no phone "${text}"; ${hint}known: ${names.join(', ')}`)
}
