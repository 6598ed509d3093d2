import type { Millis, Now } from '../common/time.ts'
import { KIND, sameId, type CommandId, type CommandOutcome, type FetchResult } from '../reload/index.ts'
import { escapeUser, type ForeignContact, type RequestId } from '../sip/index.ts'
import { encodeGr, firstNode } from './overlay-address.ts'
import type { AdapterParts } from './parts.ts'
import { registrationEntry } from './registration-entry.ts'
import { fetchRegistrations } from './registration-fetch.ts'

/** Contacts told of one user; a user has few nodes, and who has many cannot be shown them all. Judgement. */
const CONTACTS_MAX = 20

/** Where else a user is registered (adapter-mapping s.3.5): each entry of another node as a Contact in overlay GRUU form. */
export class ForeignContacts {
  private readonly parts: AdapterParts
  private readonly fetches = new Map<CommandId, { readonly id: RequestId; readonly aor: string }>()

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  find(id: RequestId, aor: string, budgetMs: Millis): void {
    this.fetches.set(fetchRegistrations(this.parts, aor, budgetMs), { id, aor })
  }

  /** True when the outcome was that of one of our Fetches. */
  fetchDone(now: Now, command: CommandId, outcome: CommandOutcome<FetchResult>): boolean {
    const question = this.fetches.get(command)
    if (question === undefined) return false
    this.fetches.delete(command)
    const contacts = outcome.ok ? this.contacts(now, question.aor, outcome.value) : undefined
    this.parts.sip({ kind: 'foreignContacts', id: question.id, contacts })
    return true
  }

  private contacts(now: Now, aor: string, result: FetchResult): ForeignContact[] {
    const contacts: ForeignContact[] = []
    for (const value of result.kinds.get(KIND.sipRegistration)?.values ?? []) {
      const expiresS = Math.ceil((value.expiresAt - now.ms) / 1000)
      const entry = registrationEntry(value, aor)
      const uri = expiresS > 0 && contacts.length < CONTACTS_MAX ? this.uriOf(aor, entry) : undefined
      if (uri !== undefined) contacts.push({ uri, expiresS })
    }
    return contacts
  }

  /** Undefined for what this node stands for itself. */
  private uriOf(aor: string, entry: ReturnType<typeof registrationEntry>): string | undefined {
    if (entry.kind === 'uri') {
      const colon = entry.uri.indexOf(':')
      return colon > 0 && colon < `${entry.uri}@`.indexOf('@') ? entry.uri : `sip:${entry.uri}`
    }
    if (entry.kind !== 'route') return undefined
    const first = firstNode(entry.destinations)
    if (first === undefined || sameId(first, this.parts.self)) return undefined
    const at = aor.lastIndexOf('@')
    return `sip:${escapeUser(aor.slice(0, at))}@${aor.slice(at + 1)};gr=${encodeGr(entry.destinations)}`
  }
}
