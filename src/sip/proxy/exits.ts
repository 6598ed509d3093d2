/** `sip.alwaysProxy`: calls to other domains leave by the proxies of the own domain that let them out (M-30, adapter-mapping s.8). */
import type { Millis } from '../../common/time.ts'
import { PROXY_USER } from '../message/index.ts'
import type { LocateAsker } from './branch.ts'
import { ANSWER_GRACE_MS } from './branch-sender.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { LocateOutcome } from './outcomes.ts'
import type { ProxyRequest } from './proxy-request.ts'
import { isSips } from './sips.ts'
import { peerTarget } from './target-kinds.ts'
import type { Target } from './targets.ts'

/** All of them are one way out: the next is tried when the one before could not be reached, and after nothing else. */
const MARKS: readonly string[] = ['exit']

export class ExitSearch {
  pending = false
  private readonly environment: ProxyEnvironment
  private readonly request: ProxyRequest
  /** By DNS. */
  private readonly otherwise: Target | undefined

  constructor(environment: ProxyEnvironment, request: ProxyRequest, otherwise: Target | undefined) {
    this.environment = environment
    this.request = request
    this.otherwise = otherwise
  }

  start(now: Millis, asker: LocateAsker): void {
    const { ports, settings, questions } = this.environment
    const { callId, method } = this.request.incoming.message
    const { invite, other } = settings.locateBudgetMs
    const budget = method === 'INVITE' ? invite : other
    const aor = `${PROXY_USER}@${settings.realm}`
    this.pending = true
    const question = { kind: 'locate', context: asker, aor, depth: 0 } as const
    questions.ask(ports.locate(aor, budget, callId), question, now + budget + ANSWER_GRACE_MS)
  }

  located(answer: LocateOutcome): readonly Target[] {
    this.pending = false
    const { route, incoming } = this.request
    const uri = route.requestUri
    const targets: Target[] = []
    for (const target of answer.kind === 'found' ? answer.targets : []) {
      if (target.kind !== 'peer' || target.exit !== true) continue
      targets.push({ ...peerTarget(incoming.message, target.address, undefined, isSips(uri), MARKS), uri })
    }
    if (this.otherwise !== undefined) targets.push({ ...this.otherwise, marks: MARKS })
    return targets
  }
}
