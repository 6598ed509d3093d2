/** The redirect server, for sip/core. */
export { Redirector, type RedirectAnswer, type RedirectHost, type RedirectRequest } from './redirector.ts'
