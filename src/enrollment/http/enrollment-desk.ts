/** Serves one enrollment request (RFC 6940 s.11.3): limits, login, permission, certificate. Knows no socket. */
import { Tally } from '../../common/instruments.ts'
import { Private } from '../../common/pii.ts'
import { toHex, utf8 } from '../../common/bytes.ts'
import type { Millis, Now } from '../../common/time.ts'
import type { Trace, TraceValue } from '../../common/trace.ts'
import type { Authority } from '../authority.ts'
import type { Denial } from '../denial.ts'
import { certificateWishOf, CERTIFICATE_TYPE, loginOf, type CertificateWish } from '../enroll-form.ts'
import { issueCertificate } from '../io/issue.ts'
import { readCertificationRequest } from '../io/request.ts'
import { boundaryOf, parseMultipart, type FormPart } from '../multipart.ts'
import { mayEnroll, ownUserName } from '../name-permission.ts'
import { RateLimit, sourceOf } from '../../common/rate-limit.ts'
import type { EnrollmentAccount, EnrollmentAccounts } from './account-file.ts'
import { PasswordCheck } from './password.ts'

export interface EnrollPost {
  /** Address of the sender. */
  readonly source: string
  readonly contentType: string
  readonly body: Uint8Array
}

export interface DeskAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Uint8Array
  /** Seconds. */
  readonly retryAfterS?: number
}

/** A site enrolls its users one after the other; nobody needs more. */
const REQUESTS = { perSecond: 20, burst: 200 }
/** Logins that cost a hash: guesses, and the first of everybody. */
const GUESSES_BY_SOURCE = { perSecond: 0.5, burst: 20 }
const GUESSES_BY_ACCOUNT = { perSecond: 0.2, burst: 20 }
const BUSY_RETRY_S = 2

export class EnrollmentDesk {
  readonly results = new Tally([
    'issued',
    'failed_authentication',
    'username_not_available',
    'Node-IDs_not_available',
    'bad_CSR',
    'malformed',
    'limited',
    'failed',
  ])
  private readonly authority: Authority
  private readonly accounts: EnrollmentAccounts
  private readonly trace: Trace
  private readonly clock: () => Now
  private readonly passwords = new PasswordCheck()
  private readonly requests = new RateLimit(REQUESTS)
  private readonly guessesBySource = new RateLimit(GUESSES_BY_SOURCE)
  private readonly guessesByAccount = new RateLimit(GUESSES_BY_ACCOUNT)

  constructor(components: {
    readonly authority: Authority
    readonly accounts: EnrollmentAccounts
    readonly trace: Trace
    readonly clock: () => Now
  }) {
    this.authority = components.authority
    this.accounts = components.accounts
    this.trace = components.trace
    this.clock = components.clock
  }

  /** Never rejects: what goes wrong in here is a 500 and a line in the log. */
  async serve(post: EnrollPost): Promise<DeskAnswer> {
    try {
      return await this.answer(post)
    } catch (error) {
      this.results.add('failed')
      const reason = error instanceof Error ? error.message : String(error)
      this.trace({ level: 'error', area: 'enrollment', event: 'enrollment_failed', reason })
      return text(500, 'internal error')
    }
  }

  private async answer(post: EnrollPost): Promise<DeskAnswer> {
    const source = sourceOf(post.source)
    const wait = this.requests.take(source, this.clock().ms)
    if (wait > 0) return this.limited(wait)
    const form = formOf(post)
    if (form === undefined) {
      this.results.add('malformed')
      return text(400, 'not a multipart/form-data form')
    }
    await this.accounts.refresh()
    const login = await this.authenticate(source, form)
    if ('status' in login) return login
    const wish = certificateWishOf(form)
    if (!wish.ok) return this.denied(post, login, wish.error)
    return this.issue(post, login, wish.value)
  }

  /** RFC 6940 s.11.3: before anything else. One answer, after one time, for every login that is not right. */
  private async authenticate(
    source: string,
    form: readonly FormPart[],
  ): Promise<EnrollmentAccount | DeskAnswer> {
    const now = this.clock().ms
    const login = loginOf(form) ?? { account: '', password: '' }
    const known = this.accounts.find(login.account)
    if (known !== undefined && this.passwords.isProven(login, known.scrypt, now)) return known
    // Taken before the answer is known, so that guesses sent side by side are all counted.
    const wait = this.guessesBySource.take(source, now) || this.guessesByAccount.take(login.account, now)
    if (wait > 0) return this.limited(wait)
    const verdict = await this.passwords.check(login, known?.scrypt, now)
    if (verdict === 'busy') {
      this.results.add('limited')
      return { ...text(503, 'busy'), retryAfterS: BUSY_RETRY_S }
    }
    if (verdict === 'good' && known !== undefined) return known
    this.audit('warn', 'failed_authentication', {
      source,
      ...(known === undefined ? {} : { account: known.account }),
    })
    return text(403, 'failed_authentication')
  }

  private async issue(
    post: EnrollPost,
    account: EnrollmentAccount,
    wish: CertificateWish,
  ): Promise<DeskAnswer> {
    const request = await readCertificationRequest(wish.csr)
    if (!request.ok) return this.denied(post, account, { token: 'bad_CSR', reason: request.error })
    const { overlayName } = this.authority
    const userName = request.value.userName ?? ownUserName(account.account, overlayName)
    const names = account.names.length > 0 ? account.names : [ownUserName(account.account, overlayName)]
    if (!mayEnroll(names, userName)) {
      return this.denied(
        post,
        account,
        { token: 'username_not_available', reason: 'the account may not enroll this user name' },
        userName,
      )
    }
    const { publicKeyInfo } = request.value
    const issued = await issueCertificate(
      this.authority,
      { userName, publicKeyInfo, nodeIds: wish.nodeIds },
      this.clock().wall,
    )
    if (!issued.ok) return this.denied(post, account, issued.error, userName)
    const { certificate, nodeIds, notAfter } = issued.value
    this.audit('info', 'issued', {
      source: sourceOf(post.source),
      account: account.account,
      userName: new Private(userName),
      nodeIds: nodeIds.map(toHex).join(' '),
      notAfter: new Date(notAfter).toISOString(),
    })
    return { status: 200, contentType: CERTIFICATE_TYPE, body: certificate }
  }

  private denied(
    post: EnrollPost,
    account: EnrollmentAccount,
    denial: Denial,
    userName?: string,
  ): DeskAnswer {
    this.audit('warn', denial.token, {
      source: sourceOf(post.source),
      account: account.account,
      reason: denial.reason,
      ...(userName === undefined ? {} : { userName: new Private(userName) }),
    })
    return text(403, denial.token)
  }

  private limited(waitMs: Millis): DeskAnswer {
    this.results.add('limited')
    return { ...text(429, 'too many requests'), retryAfterS: Math.ceil(waitMs / 1000) }
  }

  /** One line for every decision; never a password, nor an account name that does not exist (it may be a password). */
  private audit(level: 'info' | 'warn', result: string, fields: Readonly<Record<string, TraceValue>>): void {
    this.results.add(result)
    this.trace({ level, area: 'enrollment', event: 'enrollment', result, ...fields })
  }
}

function formOf(post: EnrollPost): readonly FormPart[] | undefined {
  const boundary = boundaryOf(post.contentType)
  if (!boundary.ok) return undefined
  const form = parseMultipart(post.body, boundary.value)
  return form.ok ? form.value : undefined
}

function text(status: number, body: string): DeskAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: utf8(body) }
}
