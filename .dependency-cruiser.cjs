/**
 * The import rule of docs/ARCHITECTURE.md: who may import whom, one row an area. Each row becomes one rule; the ten
 * special rules follow. Type-only imports count too.
 */
const sipCore = [
  'common',
  'sip/message',
  'sip/transport',
  'sip/transaction',
  'sip/auth',
  'sip/registrar',
  'sip/proxy',
  'sip/redirect',
  'sip/location',
  'sip/trunk',
  'sip/engine',
  'sip/events',
]
const reloadCore = [
  'common',
  'reload/codec',
  'reload/config',
  'reload/security',
  'reload/link',
  'reload/forwarding',
  'reload/transactions',
  'reload/storage',
  'reload/topology',
  'reload/usages',
]
const MAY_IMPORT = {
  common: [],
  'sip/message': ['common'],
  'sip/transport': ['common', 'sip/message'],
  'sip/auth': ['common', 'sip/message'],
  'sip/transaction': ['common', 'sip/message'],
  'sip/registrar': ['common', 'sip/message', 'sip/auth'],
  'sip/proxy': ['common', 'sip/message', 'sip/transaction', 'sip/transport'],
  'sip/redirect': ['common', 'sip/message'],
  'sip/location': ['common', 'sip/transaction'],
  'sip/trunk': ['common', 'sip/message', 'sip/auth', 'sip/transaction', 'sip/proxy'],
  'sip/engine': ['common', 'sip/message', 'sip/transaction', 'sip/proxy'],
  'sip/events': ['common', 'sip/message'],
  'sip/core': sipCore,
  'reload/codec': ['common'],
  'reload/config': ['common', 'reload/codec'],
  'reload/security': ['common', 'reload/codec', 'reload/config'],
  'reload/link': ['common', 'reload/codec', 'reload/config', 'reload/security'],
  'reload/forwarding': ['common', 'reload/codec', 'reload/config'],
  'reload/transactions': ['common', 'reload/codec', 'reload/security', 'reload/forwarding'],
  'reload/storage': ['common', 'reload/codec', 'reload/config', 'reload/security'],
  'reload/topology': ['common', 'reload/codec', 'reload/config', 'reload/forwarding', 'reload/storage'],
  'reload/usages': ['common', 'reload/codec', 'reload/config', 'reload/storage', 'reload/security'],
  'reload/peer': reloadCore,
  adapter: ['common', 'sip/index.ts', 'reload/index.ts'],
  metrics: ['common'],
  trace: ['common', 'adapter/index.ts'],
  sim: ['common', 'reload/index.ts', 'enrollment/index.ts'],
}

const escaped = (path) => path.replace(/[.]/g, '\\.')
const areaRules = Object.entries(MAY_IMPORT).map(([area, allowed]) => ({
  name: `may-import:${area}`,
  comment: `${area} may import ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${area}/`, pathNot: '/io/' },
  to: {
    path: '^src/',
    pathNot: [
      `^src/${area}/(?!.*io/)`,
      ...allowed.map((a) => (a.endsWith('.ts') ? `^src/${escaped(a)}$` : `^src/${a}/(?!io/)`)),
    ],
  },
}))

const WORLD =
  '^(node:)?(dgram|net|tls|http|https|http2|fs|fs/promises|dns|dns/promises|os|timers|timers/promises|worker_threads|child_process)$'
const SHELL = ['/io/', '^src/enrollment/http/', '^src/admin/', '^src/app/', '^src/cli/']

/** Rule io-is-private, one an area: nobody but the composition root imports another area's sockets and disks. */
const privateIo = ['common', 'sip', 'reload', 'adapter', 'enrollment', 'metrics', 'trace', 'admin'].map(
  (area) => ({
    name: `io-is-private:${area}`,
    severity: 'error',
    from: { path: `^src/${area}/` },
    to: { path: '^src/.+/io/', pathNot: `^src/${area}/` },
  }),
)

module.exports = {
  forbidden: [
    ...areaRules,
    ...privateIo,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'io-only-in-io',
      severity: 'error',
      from: { path: '^src/', pathNot: SHELL },
      to: { path: WORLD },
    },
    {
      name: 'core-never-imports-its-shell',
      severity: 'error',
      from: { path: '^src/', pathNot: SHELL },
      to: { path: '^src/.*/io/' },
    },
    {
      name: 'index-stays-home',
      severity: 'error',
      from: { path: '^src/(sip|reload)/index\\.ts$' },
      to: { path: '^src/', pathNot: ['^src/$1/', '^src/common/'] },
    },
    {
      name: 'usages-are-strangers',
      severity: 'error',
      from: { path: '^src/reload/usages/([^/]+)/' },
      to: { path: '^src/reload/usages/', pathNot: '^src/reload/usages/$1/' },
    },
    {
      name: 'plugin-behind-interface',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/reload/topology/', '^src/reload/peer/'] },
      to: { path: '^src/reload/topology/chord/' },
    },
    {
      name: 'sim-is-pure',
      severity: 'error',
      from: { path: '^(test|src)/sim/', pathNot: '\\.test\\.ts$' },
      to: { path: ['/io/', WORLD] },
    },
    {
      name: 'sim-is-a-tool',
      comment: 'the product does not run on its simulator: only the command and the tests know it',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/sim/', '^src/cli/'] },
      to: { path: '^src/sim/' },
    },
    {
      name: 'product-never-imports-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^test/' },
    },
    {
      name: 'drachtio-srf-only-where-it-is-loaded-late',
      comment: 'whoever runs the embedded engine pays nothing for the other one',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/sip/io/drachtio/srf\\.ts$' },
      to: { path: 'node_modules/drachtio-srf' },
    },
    {
      name: 'prom-client-only-in-metrics',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/metrics/' },
      to: { path: 'node_modules/prom-client' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
