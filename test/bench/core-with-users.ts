/** A founder peer whose users are all enrolled, with stand-in keys: everything of a node but its sockets, disk and signatures. */
import { asNodeId, makeStandInCredential, makeStandInRoot, StandInCrypto } from '../../src/reload/index.ts'
import { DEFAULT_ADAPTER_SETTINGS, NodeCore, type CallObserver } from '../../src/adapter/index.ts'
import { utf8 } from '../../src/common/bytes.ts'
import { SeededRandom } from '../../src/common/random.ts'
import { NO_TRACE } from '../../src/common/trace.ts'
import { digestHash, type Account } from '../../src/sip/index.ts'
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
  auth = 'none',
}: {
  readonly users: number
  readonly calls?: CallObserver | undefined
  /** With `digest` the password of each is `pw-NAME`, kept as MD5. */
  readonly auth?: 'none' | 'digest'
}): { readonly core: NodeCore; readonly aors: readonly string[] } {
  const accounts = new Map<string, Account>()
  const byUsername = new Map<string, Account>()
  const crypto = new StandInCrypto()
  const root = makeStandInRoot(DOMAIN)
  const userCredentials = []
  for (let i = 0; i < users; i++) {
    const name = userName(i)
    const aor = `${name}@${DOMAIN}`
    const ha1 = new Map(auth === 'none' ? [] : [['MD5', digestHash('MD5', name, DOMAIN, `pw-${name}`)]])
    const account = { username: name, ha1, aors: [aor], delegates: [] }
    accounts.set(aor, account)
    byUsername.set(name, account)
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
      accounts: { byAor: (aor) => accounts.get(aor), byUsername: (name) => byUsername.get(name) },
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
      sip: { ...usual, auth, limits: { ...usual.limits, transactionsMax: 10_000_000 } },
    },
  )
  return { core, aors: [...accounts.keys()] }
}
