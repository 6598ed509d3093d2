/**
 * One trunk at work: the challenge that its other side has put last, so that what follows goes out with credentials at once, and the
 * addresses it was found at, by which its calls are known. Does no I/O.
 */
import type { Random } from '../../common/random.ts'
import { answerChallenge, chooseChallenge, type DigestChallenge } from '../auth/index.ts'
import { canonicalAddress, parseUri, type SipMessage, type SipUri } from '../message/index.ts'
import type { Credentials, CreditedRequest } from '../proxy/index.ts'
import type { Hop } from '../transaction/index.ts'
import type { Trunk } from './trunk.ts'

/** Addresses remembered; beyond that the oldest is forgotten. */
const ADDRESSES_MAX = 64

export class Line {
  readonly trunk: Trunk
  readonly uri: SipUri
  private readonly random: Random
  private readonly addresses = new Set<string>()
  private challenge: DigestChallenge | undefined = undefined
  private header: Credentials['header'] = 'proxy-authorization'
  private uses = 0

  /** Throws `RangeError` for a URI that is none; the configuration has been checked before. */
  constructor(trunk: Trunk, random: Random) {
    const uri = parseUri(trunk.uri)
    if (uri === undefined) throw new RangeError(`not a SIP URI: ${trunk.uri}`)
    this.trunk = trunk
    this.uri = uri
    this.random = random
  }

  /** A request went to the other side there. */
  found(hop: Hop): void {
    const address = addressOf(hop)
    this.addresses.delete(address)
    if (this.addresses.size >= ADDRESSES_MAX) {
      const oldest = this.addresses.values().next()
      if (oldest.done !== true) this.addresses.delete(oldest.value)
    }
    this.addresses.add(address)
  }

  /** The very place that a request went to: an address with its port, by the same transport. */
  isAt(hop: Hop): boolean {
    return this.addresses.has(addressOf(hop))
  }

  /** Credentials for a challenge that is known already; undefined when there is none, or its nonce served once only. */
  credentials(request: CreditedRequest): Credentials | undefined {
    return this.challenge?.qop === undefined ? undefined : this.answered(this.challenge, request)
  }

  /** Credentials for the challenge of a 401 or 407; undefined when we have none for it, or it has refused them. */
  answer(response: SipMessage, request: CreditedRequest, tries: number): Credentials | undefined {
    const { account } = this.trunk
    if (account === undefined) return undefined
    const proxy = response.status === 407
    const values = response.headers(proxy ? 'proxy-authenticate' : 'www-authenticate')
    const challenge = chooseChallenge(values, account.realm)
    // RFC 3261 s.22.1: asked again for the same, and not because of the nonce's age, means that they are wrong.
    if (challenge === undefined || (tries > 0 && !challenge.stale)) {
      this.challenge = undefined
      return undefined
    }
    this.challenge = challenge
    this.header = proxy ? 'proxy-authorization' : 'authorization'
    this.uses = 0
    return this.answered(challenge, request)
  }

  private answered(challenge: DigestChallenge, request: CreditedRequest): Credentials | undefined {
    const { account } = this.trunk
    if (account === undefined) return undefined
    const cnonce = Buffer.from(this.random.bytes(8)).toString('hex')
    const value = answerChallenge(challenge, account, request, { nc: ++this.uses, cnonce })
    return { header: this.header, value }
  }
}

function addressOf({ transport, host, port }: Hop): string {
  return `${transport} ${canonicalAddress(host)} ${port}`
}
