/** One HTTPS request to a place whose certificate must carry a certain name (RFC 2818). No redirects, bounded, with a deadline. */
import { lookup, resolveSrv } from 'node:dns/promises'
import { request, type RequestOptions } from 'node:https'
import { isIP } from 'node:net'
import { rootCertificates, checkServerIdentity } from 'node:tls'
import { RingbridgeError } from '../../common/errors.ts'
import type { Random } from '../../common/random.ts'
import { hostOf, type HttpsPlace } from '../config-server-url.ts'
import { srvOrder } from '../../common/srv-order.ts'

export interface HttpsQuestion {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Most bytes of an answer that are taken. */
  readonly answerBytesMax: number
}

export interface HttpsAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array
}

export interface HttpsTrust {
  /** PEM. Undefined: the public CAs. */
  readonly authorities: string | undefined
  /** PEM of root-certs of the overlay, believed besides. */
  readonly overlayRoots: readonly string[]
}

interface Target {
  readonly host: string
  readonly port: number
}

/** To connect and to be answered; a request is one round trip and a password hash. */
const CONNECT_WITHIN_MS = 5_000
const ANSWER_WITHIN_MS = 15_000
const TARGETS_MAX = 8

/**
 * Asks the targets of a place one after the other until one can be reached. Rejects with `RingbridgeError` `unreachable`, whose
 * message names every target and what was wrong with it.
 */
export async function askHttps(
  place: HttpsPlace,
  question: HttpsQuestion,
  trust: HttpsTrust,
  random: Random,
): Promise<HttpsAnswer> {
  const faults: string[] = []
  for (const target of (await targetsOf(place, random)).slice(0, TARGETS_MAX)) {
    try {
      return await ask(place, target, question, trust)
    } catch (error) {
      faults.push(`${target.host} port ${target.port}: ${reasonOf(error)}`)
    }
  }
  throw new RingbridgeError('unreachable', faults.length === 0 ? 'no address' : faults.join('; '))
}

/** SRV targets first, when the place asks for them; without any, the host itself (RFC 2782). */
async function targetsOf({ url, service }: HttpsPlace, random: Random): Promise<Target[]> {
  const host = { host: hostOf(url), port: url.port === '' ? 443 : Number(url.port) }
  if (service === undefined) return [host]
  try {
    const records = await resolveSrv(service)
    // A single target "." says that the service is decidedly not there.
    const targets = srvOrder(records, random).filter(({ name }) => name !== '')
    return targets.map(({ name, port }) => ({ host: name, port }))
  } catch {
    return [host]
  }
}

async function ask(
  { url, certificateName }: HttpsPlace,
  target: Target,
  question: HttpsQuestion,
  trust: HttpsTrust,
): Promise<HttpsAnswer> {
  const address = isIP(target.host) === 0 ? (await lookup(target.host)).address : target.host
  const options: RequestOptions = {
    host: address,
    port: target.port,
    path: `${url.pathname}${url.search}`,
    method: question.method,
    headers: {
      ...question.headers,
      host: url.host,
      ...(question.body === undefined ? {} : { 'content-length': String(question.body.length) }),
    },
    // An address cannot be asked for by SNI (RFC 6066 s.3).
    servername: isIP(certificateName) === 0 ? certificateName : '',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(certificateName, certificate),
    ca: [
      ...(trust.authorities === undefined ? rootCertificates : [trust.authorities]),
      ...trust.overlayRoots,
    ],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    agent: false,
  }
  return exchange(options, question)
}

function exchange(options: RequestOptions, question: HttpsQuestion): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(options)
    const give = (reason: string): void => void asked.destroy(new Error(reason))
    const connecting = setTimeout(() => give('no connection in time'), CONNECT_WITHIN_MS)
    const answering = setTimeout(() => give('no answer in time'), ANSWER_WITHIN_MS)
    asked.on('socket', (socket) => socket.once('secureConnect', () => clearTimeout(connecting)))
    asked.on('close', () => {
      clearTimeout(connecting)
      clearTimeout(answering)
    })
    asked.on('error', reject)
    asked.on('response', (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > question.answerBytesMax) give(`an answer of more than ${question.answerBytesMax} bytes`)
        else chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: new Uint8Array(Buffer.concat(chunks)),
        }),
      )
    })
    asked.end(question.body)
  })
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const reason = code === undefined || message.includes(code) ? message : `${message} (${code})`
  return `${reason}${REMEDIES.get(code ?? '') ?? ''}`
}

const OTHER_CA = '; overlay.ca has to hold the CA of this server'
const CLOCK = '; is the clock of this machine right?'

/** What OpenSSL says of a chain, and what people can do about it. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', OTHER_CA],
  ['UNABLE_TO_GET_ISSUER_CERT', OTHER_CA],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', OTHER_CA],
  ['SELF_SIGNED_CERT_IN_CHAIN', OTHER_CA],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', OTHER_CA],
  ['CERT_NOT_YET_VALID', CLOCK],
  ['CERT_HAS_EXPIRED', CLOCK],
])
