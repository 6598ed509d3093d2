import { describe, expect, it } from 'vitest'
import type { LocationView, RingView, TracesView, TraceView } from '../../../src/admin/answers.ts'
import {
  callLines,
  columns,
  locationLines,
  pathLines,
  pingLines,
  ringLines,
  traceLines,
  walkLines,
} from '../../../src/cli/views.ts'

const NOW = 1_800_000_000_000
const [A, B] = ['aa', 'bb'].map((byte) => byte.repeat(16)) as [string, string]

const NOBODY: LocationView = {
  aor: 'bob@example.com',
  resourceId: 'cc'.repeat(16),
  responsible: A,
  replicas: [B],
  hops: 1,
  rttMs: 3.7446,
  userExists: true,
  entries: [],
  rejected: 0,
}
const ENTRY: LocationView['entries'][number] = {
  key: 'dd'.repeat(16),
  target: B,
  type: 'route',
  contactPrefs: '',
  lifetimeS: 655,
  storageTime: NOW - 55_000,
  expiresAt: NOW + 600_000,
  signer: { userName: 'bob@example.com', nodeId: 'dd'.repeat(16), notAfter: NOW + 1e9 },
}

describe('answers of nodes for people', () => {
  it('say where calls go, for how long and on whose word', () => {
    const forwarding = { ...ENTRY, type: 'uri' as const, target: 'carol@example.com', expiresAt: NOW + 9e6 }
    expect(locationLines({ ...NOBODY, entries: [ENTRY, forwarding] }, NOW)).toEqual([
      'bob@example.com',
      `  Resource-ID  ${'cc'.repeat(16)}`,
      `  kept by      ${A}  1 hop, 3.7 ms`,
      `  copy at      ${B}`,
      '',
      '  calls go to                                    for          signed by',
      `  node         ${B}  10 min left  bob@example.com`,
      '  forwarded    carol@example.com                 2.5 h left   bob@example.com',
    ])
  })

  it('say that nobody is there, and what is not believed', () => {
    expect(locationLines(NOBODY, NOW).at(-1)).toBe('  not registered')
    const lines = locationLines({ ...NOBODY, userExists: false, rejected: 2 }, NOW)
    expect(lines.at(-1)).toBe('  not registered, and no certificate says that there is such a user')
    expect(lines).toContain('  ! not believed: 2 more, with a wrong signature, signer or content')
  })

  it('show a ring: who stands where, what is owned, what the links carry', () => {
    const view: RingView = {
      nodeId: A,
      overlay: 'example.com',
      state: 'joined',
      predecessors: [B],
      successors: [B],
      fingers: [],
      responsible: { after: B, through: A },
      responsibleShare: 0.61999,
      sizeEstimate: 2.2,
      replicaDeficit: 3,
      connections: [
        {
          nodeId: B,
          address: '10.0.0.2:6084',
          peer: true,
          ageS: 7300,
          bytesIn: 999,
          bytesOut: 15_294_000,
          rttMs: 8.43,
        },
        { nodeId: A, address: null, peer: false, ageS: 300_000, bytesIn: 20_000, bytesOut: 0, rttMs: null },
      ],
    }
    expect(ringLines(view)).toEqual([
      `${A}  joined in example.com, about 2 peers`,
      `  owns              62.0 %: after ${B} through ${A}`,
      `  successors        ${B}`,
      `  predecessors      ${B}`,
      '  fingers           none',
      '  ! copies missing  3',
      '',
      '  link to                           address                up for  in     out    round trip',
      `  ${B}  10.0.0.2:6084  peer    2.0 h   999 B  15 MB  8.4 ms`,
      `  ${A}                 client  3 d     20 kB  0 B`,
    ])
    const alone: RingView = {
      ...view,
      state: 'joining',
      overlay: undefined,
      connections: [],
      responsible: null,
    }
    expect(
      ringLines({ ...alone, sizeEstimate: undefined, replicaDeficit: undefined, successors: [B, A] }),
    ).toEqual([
      `${A}  joining`,
      '  owns          nothing',
      `  successors    ${B}`,
      `                ${A}`,
      `  predecessors  ${B}`,
      '  fingers       none',
    ])
  })

  it('show a Ping and a way through the ring', () => {
    expect(pingLines({ responder: A, rttMs: 1 })).toEqual([`${A}  1.0 ms`])
    const way = { aor: 'a@b', resourceId: '', hops: [{ nodeId: A, rttMs: 0.25 }], fault: 'no answer' }
    expect(pathLines({ ...way, complete: true })).toEqual([`0  ${A}  0.3 ms`, 'the last one is responsible'])
    expect(pathLines({ ...way, complete: false }).at(-1)).toBe('! no answer')
  })

  it('line up', () => {
    expect(
      columns([
        ['a', 'bbb', ''],
        ['cc', 'd', 'e'],
      ]),
    ).toEqual(['a   bbb', 'cc  d    e'])
  })
})

describe('a whole ring and a call for people', () => {
  it('each node has a line; what does not fit together is marked', () => {
    const heard = {
      nodeId: A,
      answered: true,
      successor: B,
      rttMs: 2,
      share: 0.25,
      resources: 7,
      uptimeS: 90,
    }
    const silent = { ...heard, nodeId: B, answered: false, successor: null, rttMs: null }
    const gone = { ...silent, share: null, resources: null, uptimeS: null }
    const walk = { takenAt: NOW, tookMs: 12.3, nodes: [heard] }
    expect(walkLines({ ...walk, complete: true, faults: [] })).toEqual([
      'node                                       owns    resources  up for  round trip',
      `${A}  answers  25.0 %  7          90 s    2.0 ms`,
      'one ring, asked in 12 ms',
    ])
    const broken = walkLines({ ...walk, nodes: [heard, gone], complete: false, faults: ['bb is silent'] })
    expect(broken.slice(2)).toEqual([`${B}  silent`, '! bb is silent'])
  })

  it('calls are listed, and one is a ladder with who was asked; control characters stay out of the terminal', () => {
    const call: TracesView['traces'][number] = {
      callId: 'x@y',
      method: 'INVITE',
      from: 'a@x\u001b[2J',
      to: 'b@x',
      state: 'refused',
      status: 486,
      beganAt: NOW,
      lastAt: NOW,
      messages: 4,
      nodes: [],
    }
    expect(callLines({ traces: [call], total: 1, bytes: 1 })[1]).toBe(
      '2027-01-15T08:00:00  INVITE  a@x.[2J  b@x  refused 486  x@y',
    )
    const view: TraceView = {
      callId: 'x@y',
      node: A,
      skipped: 2,
      parts: [
        { node: B, ok: true, reason: '', clockOffsetMs: 3 },
        { node: 'cc'.repeat(16), ok: false, reason: 'no answer in time', clockOffsetMs: 0 },
      ],
      events: [],
      ladder: {
        columns: [
          { id: 'udp 10.0.0.5:5060', title: 'a@x', subtitle: 'udp 10.0.0.5:5060', isNode: false },
          { id: `node ${A}`, title: 'aaaaaaaa', subtitle: 'this node', isNode: true },
        ],
        rows: [{ offsetMs: 0, kind: 'sip', stops: [0, 1], label: 'INVITE \u001b]0;x', detail: '' }],
      },
    }
    const lines = traceLines(view)
    expect(lines.slice(0, 5)).toEqual([
      'x@y',
      `  ${A}  this node`,
      `  ${B}  asked, its clock put right by 3.0 ms`,
      `  ${'cc'.repeat(16)}  ! no answer in time`,
      '  2 steps in the middle were not kept',
    ])
    expect(lines.at(-1)).toContain('|---------->|')
    expect(lines.join('')).not.toContain('\u001b')
  })
})
