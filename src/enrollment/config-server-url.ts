/** Where the configuration server of an overlay is (RFC 6940 s.11.2). */
import { fail, ok, type Result } from '../common/errors.ts'

export const CONFIG_PATH = '/.well-known/reload-config'
export const CONFIG_TYPE = 'application/p2p-overlay+xml'
/** RFC 6940 s.11.2: service reload-config, protocol tcp. */
export const CONFIG_SERVICE = '_reload-config._tcp'

/** One HTTPS place: whom to connect to is found from it, and which name its certificate has to carry stands in it. */
export interface HttpsPlace {
  readonly url: URL
  /**
   * The name that the server's certificate must match (RFC 2818): the host of a URL that was provisioned, else the overlay
   * name; for enrollment always the overlay name (RFC 6940 s.11.3).
   */
  readonly certificateName: string
  /** Ask DNS for SRV records of this name before addresses of the URL's host. */
  readonly service: string | undefined
}

/** The place of the document: a URL given by a person, or the one that follows from the overlay's name. */
export function configPlace(overlayName: string, url: string | undefined): Result<HttpsPlace, string> {
  if (url === undefined) {
    return ok({
      url: new URL(`https://${overlayName}${CONFIG_PATH}`),
      certificateName: overlayName,
      service: `${CONFIG_SERVICE}.${overlayName}`,
    })
  }
  const parsed = httpsUrl(url)
  if (parsed === undefined) return fail('not an https URL')
  return ok({ url: parsed, certificateName: hostOf(parsed), service: undefined })
}

/** The place of an enrollment-server element. */
export function enrollPlace(overlayName: string, url: string): Result<HttpsPlace, string> {
  const parsed = httpsUrl(url)
  if (parsed === undefined) return fail('enrollment-server is not an https URL')
  return ok({ url: parsed, certificateName: overlayName, service: undefined })
}

/** Host without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

function httpsUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  // A login in a URL ends up in logs.
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url : undefined
}
