/** What the admin server shows and does, as the app hands it over: snapshots and commands, no machine. */

/** One readiness check; `detail` says what is wrong in words. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail?: string
}

/** A hosted user as shown: never a hash. */
export interface UserView {
  readonly username: string
  readonly aors: readonly string[]
  readonly registered: boolean
}

export type CommandResult<T> =
  | { readonly ok: true; readonly value: T }
  /** `status` is that of the HTTP answer. */
  | { readonly ok: false; readonly status: 400 | 404 | 409 | 503 | 504; readonly reason: string }

export interface AdminNode {
  /** All checks of /readyz, passing or not. */
  checks(): readonly Check[]
  /** This node: Node-ID, overlay, state, addresses, version. */
  peer(): object
  /** The ring as this node sees it. */
  ring(): object
  /** What this peer stores for the overlay, by kind and role: numbers, no content. */
  storage(): object
  /** Bindings held here, of one AOR or of all. */
  bindings(aor: string | undefined): readonly object[]
  /** What the overlay holds for an AOR. */
  locate(aor: string): Promise<CommandResult<object>>
  ping(nodeId: string): Promise<CommandResult<object>>
  /** The peers a request about an AOR passes. */
  path(aor: string): Promise<CommandResult<object>>
  users(): readonly UserView[]
  addUser(username: string, password: string): Promise<CommandResult<UserView>>
  removeUser(username: string): Promise<CommandResult<UserView>>
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** One line of the audit log: every write, whoever asked for it. */
export interface AuditEntry {
  readonly action: 'users.add' | 'users.remove'
  readonly subject: string
  readonly source: string
  readonly result: 'ok' | 'refused'
}
