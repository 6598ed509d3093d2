/** A founder peer whose users are all enrolled, with stand-in keys: everything of a node but its sockets, disk and signatures. */
import { asNodeId, makeStandInCredential, makeStandInRoot, StandInCrypto } from '../../src/reload/index.ts'
import { DEFAULT_ADAPTER_SETTINGS, NodeCore, type CallObserver } from '../../src/adapter/index.ts'
import { utf8 } from '../../src/common/bytes.ts'
import { SeededRandom } from '../../src/common/random.ts'
import { NO_TRACE } from '../../src/common/trace.ts'
import type { Account } from '../../src/sip/index.ts'
import { simConfiguration } from '../../src/sim/configuration.ts'
import { testSettings } from '../support/sip-phones.ts'

export const DOMAIN = 'dht.example.com'

/** As sipload names them. */
export function userName(index: number): string {
  return `u${String(index).padStart(7, '0')}`
}

/** It has been told nothing yet: neither to start nor who is hosted (`aors`). */
export function coreWithUsers({
  users,
  calls,
}: {
  readonly users: number
  readonly calls?: CallObserver | undefined
}): { readonly core: NodeCore; readonly aors: readonly string[] } {
  const accounts = new Map<string, Account>()
  const crypto = new StandInCrypto()
  const root = makeStandInRoot(DOMAIN)
  const userCredentials = []
  for (let i = 0; i < users; i++) {
    const name = userName(i)
    const aor = `${name}@${DOMAIN}`
    accounts.set(aor, { username: name, ha1: new Map(), aors: [aor], delegates: [] })
    const nodeId = asNodeId(crypto.hash('sha256', [utf8(aor)]).slice(0, 16))
    userCredentials.push({ aor, credential: makeStandInCredential(nodeId, aor, DOMAIN, { issuer: root }) })
  }
  const self = makeStandInCredential(asNodeId(new Uint8Array(16).fill(9)), `node@${DOMAIN}`, DOMAIN, {
    issuer: root,
  })
  const usual = testSettings('127.0.0.1')
  const core = new NodeCore(
    {
      crypto,
      random: new SeededRandom('bench'),
      trace: NO_TRACE,
      accounts: { byAor: (aor) => accounts.get(aor), byUsername: () => undefined },
      calls,
    },
    {
      configuration: simConfiguration(root),
      configurationDocument: utf8('<configuration/>'),
      credential: self,
      userCredentials,
      bootstrap: [],
      advertised: {
        overlay: { address: '10.0.0.1', port: 1 },
        application: { address: '10.0.0.1', port: 2 },
      },
      founder: true,
      restored: [],
      adapter: { ...DEFAULT_ADAPTER_SETTINGS, standalone: true, selfTestIntervalMs: 1e9 },
      sip: { ...usual, limits: { ...usual.limits, transactionsMax: 10_000_000 } },
    },
  )
  return { core, aors: [...accounts.keys()] }
}
