import type { AdminNode, AuditEntry, Check, UserView } from '../../../src/admin/port.ts'
import { AdminServer } from '../../../src/admin/server.ts'

export const NODE = '0123456789abcdef0123456789abcdef'
export const OTHER = 'fedcba9876543210fedcba9876543210'

/** A node as the admin server sees one, with answers that fit its schemas. */
export class FakeNode implements AdminNode {
  failing: Check[] = []
  successors: string[] = [OTHER]
  walks = 0
  gathered: boolean | undefined
  readonly accounts = new Map<string, UserView>()

  checks(): Check[] {
    return [{ name: 'sip', ok: true, detail: 'two listeners' }, ...this.failing]
  }
  peer(): ReturnType<AdminNode['peer']> {
    return {
      nodeId: NODE,
      overlay: 'dht.example.com',
      state: 'joined',
      draining: false,
      version: '1.2.3',
      pid: 7,
      role: 'peer',
      roles: ['registrar', 'proxy'],
      domains: ['dht.example.com'],
      auth: 'digest',
      sip: [{ transport: 'udp', host: '0.0.0.0', port: 5060, advertisedHost: '127.0.0.1' }],
      reload: { overlay: '127.0.0.1:6084', application: '127.0.0.1:6085' },
      configurationSequence: 1,
      userName: 'node@dht.example.com',
      certificateNotAfter: '2027-01-01T00:00:00.000Z',
      certificates: [],
      userCertificates: { ok: 2, expiring: 0, expired: 0 },
      startedAt: '2026-01-01T00:00:00.000Z',
    }
  }
  ring(): ReturnType<AdminNode['ring']> {
    return {
      nodeId: NODE,
      state: 'joined',
      predecessors: [],
      successors: this.successors,
      fingers: [],
      connections: [],
    }
  }
  walk(): ReturnType<AdminNode['walk']> {
    this.walks++
    return Promise.resolve({
      ok: true,
      value: { takenAt: 1, tookMs: 1, complete: true, faults: [], nodes: [] },
    })
  }
  storage(): ReturnType<AdminNode['storage']> {
    return { values: 3, bytes: 300, kinds: [] }
  }
  bindings(limit: number): ReturnType<AdminNode['bindings']> {
    const all = ['x', 'y'].map((name) => ({
      aor: name,
      contact: `sip:${name}@10.0.0.1`,
      kind: 'device' as const,
      expiresS: 60,
      transport: 'udp',
      flow: 'address' as const,
    }))
    return { bindings: all.slice(0, limit), total: 2 }
  }
  bindingsOf(aor: string, limit: number): ReturnType<AdminNode['bindingsOf']> {
    if (!aor.includes('@')) return { ok: false, status: 400, reason: 'user@domain is expected' }
    const bindings = this.bindings(limit).bindings.slice(0, 1)
    return { ok: true, value: { bindings: bindings.map((each) => ({ ...each, aor })), total: 1 } }
  }
  locate(aor: string): ReturnType<AdminNode['locate']> {
    if (aor === 'gone') return Promise.resolve({ ok: false, status: 504, reason: 'no answer in time' })
    const value = {
      aor,
      resourceId: '00',
      responsible: OTHER,
      replicas: [],
      hops: 1,
      rttMs: 2,
      userExists: true,
      entries: [],
      rejected: 0,
    }
    return Promise.resolve({ ok: true, value })
  }
  ping(nodeId: string): ReturnType<AdminNode['ping']> {
    return Promise.resolve({ ok: true, value: { responder: nodeId, rttMs: 1 } })
  }
  path(aor: string): ReturnType<AdminNode['path']> {
    return Promise.resolve({
      ok: true,
      value: { aor, resourceId: '00', hops: [], complete: true, fault: '' },
    })
  }
  traces(): ReturnType<AdminNode['traces']> {
    return { traces: [], total: 0, bytes: 0 }
  }
  trace(callId: string, gather: boolean): ReturnType<AdminNode['trace']> {
    this.gathered = gather
    if (callId === 'none') return Promise.resolve({ ok: false, status: 404, reason: 'no trace' })
    const ladder = { columns: [], rows: [] }
    const view = { callId, node: NODE, skipped: 0, parts: [], events: [], ladder }
    return Promise.resolve({ ok: true, value: { view, text: () => 'ladder\n', svg: () => '<svg/>' } })
  }
  users(): UserView[] {
    return [...this.accounts.values()]
  }
  addUser(username: string): ReturnType<AdminNode['addUser']> {
    if (this.accounts.has(username))
      return Promise.resolve({ ok: false, status: 409, reason: 'the account exists' })
    const view = { username, aors: [`${username}@dht.example.com`], registered: false }
    this.accounts.set(username, view)
    return Promise.resolve({ ok: true, value: view })
  }
  setPassword(username: string): ReturnType<AdminNode['setPassword']> {
    const view = this.accounts.get(username)
    return Promise.resolve(
      view === undefined ? { ok: false, status: 404, reason: 'no such account' } : { ok: true, value: view },
    )
  }
  removeUser(username: string): ReturnType<AdminNode['removeUser']> {
    const view = this.accounts.get(username)
    this.accounts.delete(username)
    return Promise.resolve(
      view === undefined ? { ok: false, status: 404, reason: 'no such account' } : { ok: true, value: view },
    )
  }
  rates(): ReturnType<AdminNode['rates']> {
    return { at: 1, counters: { sipIn: 1 }, gauges: {} }
  }
  metrics(): ReturnType<AdminNode['metrics']> {
    return Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' })
  }
}

export function server(token?: string) {
  const node = new FakeNode()
  const audit: AuditEntry[] = []
  let nowMs = 0
  const admin = new AdminServer(node, {
    host: '127.0.0.1',
    port: 0,
    token,
    version: '1.2.3',
    audit: (entry) => audit.push(entry),
    clock: () => nowMs,
  })
  const get = (url: string, headers: Record<string, string> = {}, remoteAddress = '127.0.0.1') =>
    admin.inject({ method: 'GET', url, headers: { host: 'localhost', ...headers }, remoteAddress })
  return { node, audit, admin, get, advance: (ms: number) => (nowMs += ms) }
}
