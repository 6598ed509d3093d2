/**
 * Fills the target set of one request: local bindings, what the overlay knows, forwardings of both (adapter-mapping
 * s.4.2). Forwardings are bounded in depth and number, and no AOR is visited twice.
 */
import type { Millis } from '../../common/time.ts'
import { canonicalAor, parseUri, qThousandths, type SipMessage, type SipUri } from '../message/index.ts'
import type { Hop, IncomingRequest } from '../transaction/index.ts'
import { madeHere, type Candidate } from './best-response.ts'
import { ANSWER_GRACE_MS } from './branch-sender.ts'
import type { LocateAsker, LocateQuestion } from './branch.ts'
import { callerPreferences, isUnsuitedFor, type CallerPreferences } from './caller-preferences.ts'
import { leftOutMarks } from './left-out.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { LocatedTarget, LocateOutcome } from './outcomes.ts'
import { phoneTarget } from './phone-target.ts'
import type { LocalBinding } from './ports.ts'
import type { Goal } from './proxy-request.ts'
import type { Fallback } from './outside.ts'
import { obeyScheme, SIPS_REQUIRED } from './sips.ts'
import { peerTarget, requestUriOf } from './target-kinds.ts'
import { ledBy, type Target } from './targets.ts'

export interface FinderRequest {
  readonly incoming: Pick<IncomingRequest, 'message' | 'source'>
}

export class TargetFinder {
  /** Questions without an answer yet. */
  pending = 0
  /** The overlay was asked at least once. */
  asked = false
  /** Of users named by a 3xx who are being looked for: q of the Contacts. */
  private awaited: number[] | undefined = undefined
  private readonly environment: ProxyEnvironment
  private readonly context: LocateAsker
  private readonly message: SipMessage
  private readonly source: Hop
  private readonly secure: boolean
  private readonly found: (target: Target) => void
  private readonly visited = new Set<string>()
  private locates = 0
  private abandoned = false
  /** Somebody was found. */
  private anybody = false
  private fallback: Fallback | undefined = undefined
  private renamed = false
  private mayLeave = false
  private loop = false
  private userKnown = false
  private failure: Candidate | undefined = undefined
  /** Set when all that was found may not be used with this scheme (RFC 5630). */
  private mismatch: Candidate | undefined = undefined
  private readonly preferences: CallerPreferences | undefined
  /** Marks of phones here that another peer rings. */
  private readonly leftOut: ReadonlySet<string>
  /** Left out since they say that they do not serve such requests; tried when nobody else is there (RFC 3841 s.7.2.4). */
  private unsuited: Target[] = []

  constructor(
    environment: ProxyEnvironment,
    context: LocateAsker,
    request: FinderRequest,
    found: (target: Target) => void,
  ) {
    this.environment = environment
    this.context = context
    this.message = request.incoming.message
    this.source = request.incoming.source
    this.secure = this.message.uri?.scheme === 'sips'
    this.found = found
    this.leftOut = leftOutMarks(this.message)
    const outcome = callerPreferences(this.message)
    this.preferences = outcome.kind === 'preferences' ? outcome.preferences : undefined
  }

  /** Whoever answers for a user, or in the end `fallback`, which is for nobody inside. */
  addUser(now: Millis, goal: Extract<Goal, { kind: 'aor' }>): void {
    this.fallback = goal.fallback
    this.renamed = goal.renamed
    this.mayLeave = goal.mayLeave
    this.addAor(now, goal.aor, 0, goal.askOverlay)
    this.fallBack(now)
  }

  /** Local bindings of an AOR; with `askOverlay` also what others hold for it. `q` of the Contact of a 3xx that names it. */
  addAor(now: Millis, aor: string, depth: number, askOverlay: boolean, q?: number): void {
    if (depth > this.environment.settings.recursionDepth || this.visited.has(aor)) {
      this.loop = true
      return
    }
    this.visited.add(aor)
    const { ports, settings } = this.environment
    if (ports.userHosted(aor)) this.userKnown = true
    for (const binding of ports.bindings(now, aor)) this.addBinding(now, binding, depth, aor, q)
    if (!askOverlay) return
    if (settings.lookup === 'localOnly') return this.followOutside(now, aor, depth, q)
    if (this.locates >= settings.recursionLocates) {
      this.loop = true
      return
    }
    this.locates++
    this.pending++
    this.asked = true
    if (q !== undefined) (this.awaited ??= []).push(q)
    const { invite, other } = settings.locateBudgetMs
    const budget = this.message.method === 'INVITE' ? invite : other
    this.environment.questions.ask(
      ports.locate(aor, budget, this.message.callId),
      { kind: 'locate', context: this.context, aor, depth, q },
      now + budget + ANSWER_GRACE_MS,
    )
  }

  /** The registrations behind a GRUU; their Path counts only where the request has no further Route (RFC 5627 s.6.1). */
  addInstance(bindings: readonly LocalBinding[], withPath: boolean): void {
    this.userKnown = true
    for (const binding of bindings) {
      const target = phoneTarget(withPath ? binding : { ...binding, path: NO_PATH }, 0, this.environment)
      if (target !== undefined && binding.kind !== 'other') this.offer(target)
    }
  }

  /** A phone that has registered since (RFC 3261 s.16.5). */
  addLate(now: Millis, binding: LocalBinding, aor: string): void {
    if (binding.kind === 'device') this.addBinding(now, binding, 0, aor)
  }

  located(now: Millis, question: LocateQuestion, answer: LocateOutcome): void {
    if (this.abandoned) return
    this.pending--
    if (question.q !== undefined) this.awaited?.splice(this.awaited.indexOf(question.q), 1)
    this.take(now, question, answer)
    this.fallBack(now)
  }

  private take(now: Millis, question: LocateQuestion, answer: LocateOutcome): void {
    if (answer.kind === 'failed' || (answer.targets.length === 0 && !answer.userExists))
      this.followOutside(now, question.aor, question.depth, question.q)
    if (answer.kind === 'failed') {
      const headers: [string, string][] =
        answer.retryAfterS === undefined ? [] : [['Retry-After', String(answer.retryAfterS)]]
      this.failure = madeHere(answer.status, answer.reason, headers)
      return
    }
    if (answer.userExists) this.userKnown = true
    if (answer.loop) this.loop = true
    for (const target of inOrder(answer.targets)) {
      if (target.kind === 'local') {
        if (!this.visited.has(target.aor)) this.addAor(now, target.aor, question.depth + 1, false, question.q)
      } else if (target.kind === 'uri') {
        this.addUri(target.uri, question.q)
      } else if (target.secureOnly && !this.secure && this.environment.settings.sipToSips === 'reject') {
        this.mismatch = SIPS_REQUIRED
      } else {
        const aor = target.aor ?? (question.depth > 0 || this.renamed ? question.aor : undefined)
        // RFC 5630 s.5.3: over the flow that is good for sips, and still a sip request; the far end's phones decide.
        const marks = this.environment.settings.siblings === 'serial' ? [question.aor] : target.marks
        const peer = peerTarget(this.message, target.address, aor, this.secure || target.secureOnly, marks)
        this.consider(ledBy(question.q, peer), target.features, true)
      }
    }
  }

  /** A 3xx: its Contacts that are AORs of hosted domains are followed; true when that leaves nothing to the caller. */
  redirected(now: Millis, response: SipMessage): boolean {
    const contacts = response.contacts()
    if (!contacts.ok || contacts.value === '*' || contacts.value.length === 0) return false
    const named: { readonly aor: string; readonly q: number }[] = []
    for (const { uri, params } of contacts.value) {
      const parsed = parseUri(uri)
      // A GRUU is one phone of its user, and no AOR (RFC 5627 s.3.1): the caller goes there himself.
      const isAor = parsed !== undefined && !parsed.params.has('gr')
      const aor = isAor ? hostedAor(parsed, this.environment) : undefined
      // RFC 3261 s.16.5, RFC 5630 s.5.3: neither from sips to sip nor the other way.
      if (aor === undefined || this.secure !== (parsed?.scheme === 'sips')) return false
      named.push({ aor, q: qThousandths(params.get('q')) })
    }
    // A phone of several of them counts as what the most wanted one is.
    named.sort((a, b) => b.q - a.q)
    for (const { aor, q } of named) this.addAor(now, aor, this.visited.size, true, q)
    return true
  }

  /** No answer is of interest any more. */
  abandon(): void {
    this.abandoned = true
    this.pending = 0
    this.awaited = undefined
  }

  /** RFC 3261 s.16.6: targets of lower q have to wait for what is still being looked for. -1 when nobody has. */
  get awaitedQ(): number {
    return this.awaited === undefined ? -1 : Math.max(-1, ...this.awaited)
  }

  /** What to say when no target was found (adapter-mapping s.4.7 and s.7.2). */
  nobody(best: Candidate | undefined): Candidate {
    if (this.loop) return madeHere(482, 'Loop Detected')
    if (this.mismatch !== undefined) return this.mismatch
    if (this.failure !== undefined) return this.failure
    if (best !== undefined) return best
    return this.userKnown ? madeHere(480, 'Temporarily Unavailable') : madeHere(404, 'Not Found')
  }

  /** A URI outside, by the owner's own wish. */
  addUri(text: string, q?: number): void {
    const uri = parseUri(text)
    if (uri === undefined || (uri.scheme !== 'sip' && uri.scheme !== 'sips')) return
    if (this.environment.identity.isOwn(uri)) return
    const target = this.environment.outside.forwarded(requestUriOf(uri), uri, this.source)
    if (target !== undefined) this.offer(ledBy(q, target))
  }

  /**
   * A phone whose user has switched it over to his mobile names the number in its own domain. That is called by the right of the caller, who could
   * do so himself.
   */
  private followOutside(now: Millis, aor: string, depth: number, q: number | undefined): void {
    const { ports, outside } = this.environment
    if (depth === 0 || !this.mayLeave || ports.userHosted(aor) || ports.bindings(now, aor).length > 0) return
    const target = outside.forwardedNumber(aor, this.secure)
    if (target !== undefined) this.offer(ledBy(q, target))
  }

  /** A target of which it is known what it can do, as the caller prefers it (RFC 3841 s.7.2.4). */
  private consider(target: Target, features: ReadonlyMap<string, string> | undefined, several = false): void {
    const { preferences } = this
    if (preferences === undefined) {
      if (isUnsuitedFor(this.message, features)) this.unsuited.push(target)
      else this.offer(target)
      return
    }
    const preference = preferences.judge(features, several)
    // The user is there, though not as the caller wants him.
    if (preference === undefined) this.userKnown = true
    else this.offer({ ...target, preference })
  }

  /** A target is taken as the scheme of the request allows it. */
  offer(target: Target): void {
    const verdict = obeyScheme(target, this.secure, this.environment.settings.sipToSips)
    if (verdict.ok) this.add(verdict.target)
    else this.mismatch = verdict.refusal
  }

  private add(target: Target): void {
    this.anybody = true
    this.found(target)
  }

  /** Adapter-mapping s.1.1, s.4.6: nobody inside goes by that name. */
  private fallBack(now: Millis): void {
    const { fallback, unsuited } = this
    if (this.pending === 0 && !this.anybody && unsuited.length > 0) {
      this.unsuited = []
      for (const target of unsuited) this.offer(target)
    }
    if (fallback === undefined || this.pending > 0 || this.anybody || this.userKnown || this.loop) return
    if (this.mismatch !== undefined) return
    const needsAnswer = fallback.kind === 'target' && !fallback.afterFailure
    if (needsAnswer && this.failure !== undefined) return
    this.fallback = undefined
    if (fallback.kind === 'target') return this.offer(fallback.target)
    this.failure = undefined
    this.addAor(now, fallback.aor, 1, true)
  }

  private addBinding(now: Millis, binding: LocalBinding, depth: number, aor: string, q?: number): void {
    if (binding.kind === 'other') return
    if (binding.kind === 'forward') {
      const aor = canonicalAor(binding.contact)
      if (aor.ok) this.addAor(now, aor.value, depth + 1, true, q)
      return
    }
    const found = phoneTarget(binding, depth, this.environment)
    if (found === undefined) return
    const target = ledBy(q, found)
    if (binding.kind !== 'device') return this.consider(target, binding.parameters)
    const mark = this.environment.ports.marks.of(aor, binding)
    // Rung by another peer meanwhile; the user is there all the same.
    if (this.leftOut.has(mark)) this.userKnown = true
    else {
      const marks = [this.environment.settings.siblings === 'serial' ? aor : mark]
      this.consider({ ...target, marks }, binding.parameters)
    }
  }
}

const NO_PATH: readonly string[] = []

/** Who stands for most phones first, then whose entry is the newest (M-31). */
function inOrder(targets: readonly LocatedTarget[]): readonly LocatedTarget[] {
  if (targets.length < 2) return targets
  return [...targets].sort((a, b) => {
    if (a.kind !== 'peer' || b.kind !== 'peer') return 0
    return (b.marks?.length ?? 0) - (a.marks?.length ?? 0) || (b.storedAt ?? 0) - (a.storedAt ?? 0)
  })
}

/** Canonical AOR of a URI of a hosted domain (docs/adr/0037). */
export function hostedAor(uri: SipUri, environment: Pick<ProxyEnvironment, 'identity'>): string | undefined {
  const { identity } = environment
  if (!identity.isHostedDomain(uri.host)) return undefined
  const aor = canonicalAor(identity.withoutOwnPort(uri))
  return aor.ok ? aor.value : undefined
}
