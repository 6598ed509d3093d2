/** The parameters of an enrollment POST (RFC 6940 s.11.3): what a server reads and a client writes. */
import { utf8 } from '../common/bytes.ts'
import { fail, ok, type Result } from '../common/errors.ts'
import type { Denial } from './denial.ts'
import type { FormPart } from './multipart.ts'
import { opaqueString, preparedLogin } from './opaque-string.ts'

export const PKCS10_TYPE = 'application/pkcs10'
export const CERTIFICATE_TYPE = 'application/pkix-cert'

/** Account name and password in the clear. Never logged. */
export interface Login {
  readonly account: string
  readonly password: string
}

export interface CertificateWish {
  /** DER PKCS#10. */
  readonly csr: Uint8Array
  readonly nodeIds: number
}

/** Bytes of UTF-8. Longer ones are no account of ours, and hashing them would cost the server. */
export const LOGIN_BYTES_MAX = { account: 256, password: 1024 } as const
/** No policy grants as many; more digits are not a number that anybody means. */
const NODE_IDS_DIGITS_MAX = 4

/**
 * The login of a form, or undefined when it has none. Strings are UTF-8, prepared and then compared as bytes (RFC 6940
 * s.11.3), so what is not UTF-8 is no login, and no letter case is folded.
 */
export function loginOf(parts: readonly FormPart[]): Login | undefined {
  const account = textOf(only(parts, 'username'), LOGIN_BYTES_MAX.account)
  const password = textOf(only(parts, 'password'), LOGIN_BYTES_MAX.password)
  if (account === undefined || password === undefined) return undefined
  const prepared = { account: opaqueString(account), password: opaqueString(password) }
  if (!prepared.account.ok || !prepared.password.ok) return undefined
  return { account: prepared.account.value, password: prepared.password.value }
}

/** What is asked for. Looked at once the login has proven good, never before (R6940-11.3-12). */
export function certificateWishOf(parts: readonly FormPart[]): Result<CertificateWish, Denial> {
  const csr = only(parts, 'csr')
  if (csr === undefined) return fail({ token: 'bad_CSR', reason: 'not exactly one part "csr"' })
  if (csr.contentType !== PKCS10_TYPE)
    return fail({ token: 'bad_CSR', reason: `part "csr" is not of type ${PKCS10_TYPE}` })
  const nodeIds = nodeIdsOf(parts)
  if (nodeIds === undefined)
    return fail({ token: 'Node-IDs_not_available', reason: 'part "nodeids" is no number' })
  return ok({ csr: csr.content, nodeIds })
}

/** The parts that a client sends; `nodeids` stands only when more than one Node-ID is wanted. */
export function enrollParts(login: Login, wish: CertificateWish): FormPart[] {
  const text = (name: string, value: string): FormPart => ({
    name,
    contentType: undefined,
    content: utf8(value),
  })
  return [
    text('username', preparedLogin(login.account)),
    text('password', preparedLogin(login.password)),
    ...(wish.nodeIds > 1 ? [text('nodeids', String(wish.nodeIds))] : []),
    { name: 'csr', contentType: PKCS10_TYPE, content: wish.csr },
  ]
}

function nodeIdsOf(parts: readonly FormPart[]): number | undefined {
  if (parts.every((part) => part.name !== 'nodeids')) return 1
  const text = textOf(only(parts, 'nodeids'), NODE_IDS_DIGITS_MAX)
  if (text === undefined || !/^[1-9][0-9]*$/.test(text)) return undefined
  return Number(text)
}

/** The part of this name, when there is exactly one: of two, nobody can say which one counts. */
function only(parts: readonly FormPart[], name: string): FormPart | undefined {
  const found = parts.filter((part) => part.name === name)
  return found.length === 1 ? found[0] : undefined
}

function textOf(part: FormPart | undefined, bytesMax: number): string | undefined {
  if (part === undefined || part.content.length === 0 || part.content.length > bytesMax) return undefined
  try {
    return STRICT_UTF8.decode(part.content)
  } catch {
    return undefined
  }
}

/** Keeps a byte order mark: it is part of what was typed. */
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
