/** Asks an enrollment server for a certificate (RFC 6940 s.11.3) and checks what it gives. */
import { randomBytes } from 'node:crypto'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { Random } from '../../common/random.ts'
import type { WallTime } from '../../common/time.ts'
import type { Certificate, KeyAlgorithm, Trust } from '../../reload/security/index.ts'
import { checkIssued } from '../check-issued.ts'
import type { HttpsPlace } from '../config-server-url.ts'
import { readEnrollAnswer, type EnrollFailure } from '../enroll-answer.ts'
import { CERTIFICATE_TYPE, enrollParts, type Login } from '../enroll-form.ts'
import { makeCertificationRequest } from '../io/request.ts'
import { writeMultipart } from '../multipart.ts'
import { askHttps, type HttpsAnswer, type HttpsTrust } from './https-request.ts'

/** Bytes of a certificate; ours have 600. */
const CERTIFICATE_BYTES_MAX = 16 * 1024

export interface EnrollKey {
  /** DER PrivateKeyInfo. Stays here: only the request made with it is sent. */
  readonly pkcs8: Uint8Array
  readonly publicKeyInfo: Uint8Array
  readonly algorithm: KeyAlgorithm
}

export interface EnrollQuestion {
  readonly login: Login
  readonly userName: string
  readonly key: EnrollKey
  /** Default 1. */
  readonly nodeIds?: number
}

export interface EnrollServer {
  /** Tried in this order. */
  readonly places: readonly HttpsPlace[]
  readonly https: HttpsTrust
  /** What the certificate must stand before. */
  readonly trust: Trust
}

/** The certificate, proven to chain to a root-cert and to be for this key and name. Never rejects. */
export async function enroll(
  server: EnrollServer,
  question: EnrollQuestion,
  random: Random,
  wall: () => WallTime,
): Promise<Result<Certificate, EnrollFailure>> {
  const unavailable = (reason: string) => fail({ kind: 'unavailable', reason } as const)
  let last: Result<Certificate, EnrollFailure> = unavailable('no enrollment server')
  for (const place of server.places) {
    try {
      const der = readEnrollAnswer(httpAnswer(await post(place, server.https, question, random)))
      if (!der.ok) {
        last = der
        // Refused is refused, wherever: the servers of an overlay are of one mind.
        if (der.error.kind === 'denied') return der
        continue
      }
      const { publicKeyInfo } = question.key
      const { userName } = question
      const checked = checkIssued(server.trust, [der.value], { publicKeyInfo, userName }, wall())
      if (checked.ok) return ok(checked.value)
      last = unavailable(`the enrollment server gave an unusable certificate: ${checked.error}`)
    } catch (error) {
      last = unavailable(error instanceof Error ? error.message : String(error))
    }
  }
  return last
}

async function post(
  place: HttpsPlace,
  https: HttpsTrust,
  { login, userName, key, nodeIds = 1 }: EnrollQuestion,
  random: Random,
): Promise<HttpsAnswer> {
  const csr = await makeCertificationRequest(key, userName)
  // 128 random bits: in no password and in no request.
  const boundary = `ringbridge-${randomBytes(16).toString('hex')}`
  return askHttps(
    place,
    {
      method: 'POST',
      headers: { accept: CERTIFICATE_TYPE, 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: writeMultipart(enrollParts(login, { csr, nodeIds }), boundary),
      answerBytesMax: CERTIFICATE_BYTES_MAX,
    },
    https,
    random,
  )
}

function httpAnswer({ status, headers, body }: HttpsAnswer) {
  const retryAfter = headers['retry-after']
  const seconds =
    typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined
  const contentType = headers['content-type']
  return {
    status,
    contentType: typeof contentType === 'string' ? contentType : '',
    body,
    ...(seconds === undefined ? {} : { retryAfterS: seconds }),
  }
}
