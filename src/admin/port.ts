/** What the admin server shows and does, as the app hands it over: snapshots and commands, no machine. */
import type {
  BindingsView,
  Check,
  LocationView,
  PathView,
  PeerView,
  PingView,
  RatesView,
  RingView,
  StorageView,
  TracesView,
  TraceView,
  UserView,
  WalkView,
} from './answers.ts'

export type { Check, UserView } from './answers.ts'

export type CommandResult<T> =
  | { readonly ok: true; readonly value: T }
  /** `status` is that of the HTTP answer. */
  | { readonly ok: false; readonly status: 400 | 404 | 409 | 503 | 504; readonly reason: string }

/** A trace in the forms in which it can be had. */
export interface TraceForms {
  readonly view: TraceView
  /** For terminals. */
  text(): string
  svg(): string
}

export interface AdminNode {
  /** All checks of /readyz, passing or not. */
  checks(): readonly Check[]
  /** This node: Node-ID, overlay, state, addresses, version. */
  peer(): PeerView
  /** The ring as this node sees it. */
  ring(): RingView
  /** The whole ring, found by asking node after node. */
  walk(): Promise<CommandResult<WalkView>>
  /** What this peer stores for the overlay, by kind and role: numbers, no content. */
  storage(): StorageView
  /** Bindings held here; at most `limit`. */
  bindings(limit: number): BindingsView
  /** Those of one AOR; a text that is none is refused. */
  bindingsOf(aor: string, limit: number): CommandResult<BindingsView>
  /** What the overlay holds for an AOR. */
  locate(aor: string): Promise<CommandResult<LocationView>>
  ping(nodeId: string): Promise<CommandResult<PingView>>
  /** The peers a request about an AOR passes. */
  path(aor: string): Promise<CommandResult<PathView>>
  /** The latest calls and registrations whose trace is in memory. */
  traces(limit: number): TracesView
  /** One of them; with `gather` other nodes that took part are asked for what they saw. */
  trace(callId: string, gather: boolean): Promise<CommandResult<TraceForms>>
  users(): readonly UserView[]
  addUser(username: string, password: string): Promise<CommandResult<UserView>>
  setPassword(username: string, password: string): Promise<CommandResult<UserView>>
  removeUser(username: string): Promise<CommandResult<UserView>>
  rates(): RatesView
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** One line of the audit log: every write, whoever asked for it. */
export interface AuditEntry {
  readonly action: 'users.add' | 'users.password' | 'users.remove'
  readonly subject: string
  readonly source: string
  readonly result: 'ok' | 'refused'
}
