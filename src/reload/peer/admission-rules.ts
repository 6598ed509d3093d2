import { KIND } from '../codec/index.ts'
import type { OverlayConfiguration } from '../config/index.ts'
import type { AdmissionRules } from '../storage/admission.ts'
import { sipRegistrationRule } from '../usages/sip/admissibility.ts'

/** What the Usages of an overlay with that document add to the policies of their Kinds. */
export function admissionRules({ instanceName, domainRestriction }: OverlayConfiguration): AdmissionRules {
  return new Map([[KIND.sipRegistration, sipRegistrationRule(instanceName, domainRestriction)]])
}
