/** Is this node well? Checks, certificates, storage, links. */
import { html, show } from './dom.ts'
import { badge, empty, fields, table } from './fields.ts'
import { byteSize, day, duration, milliseconds, shortId } from './format.ts'
import type { Store } from './store.ts'

const WARN_DAYS = 14
const CHECKS: Readonly<Record<string, string>> = {
  joined: 'Joined the overlay',
  selfTest: 'Self-test: store and fetch through the overlay',
  journal: 'Journal can be written',
  certificate: 'Certificate of the node',
  phoneCertificate: 'Certificate for phones',
  draining: 'Not draining',
  sip: 'SIP is served',
}

export class HealthPage {
  readonly element = html('div', { class: 'page health-page' })
  private readonly store: Store

  constructor(store: Store) {
    this.store = store
    store.on(['peer', 'storage', 'ring', 'rates'], () => this.draw())
  }

  draw(): void {
    if (!this.element.isConnected) return
    const { store } = this
    const told = store.get('peer')
    if (told === undefined) return
    const { peer, checks } = told
    const gauges = store.get('rates')?.gauges ?? {}
    show(
      this.element,
      html('div', { class: 'head' }, html('h1', {}, 'Health')),
      html(
        'div',
        { class: 'cards' },
        html(
          'section',
          { class: 'panel' },
          html('h2', {}, 'Checks'),
          html(
            'ul',
            { class: 'checks' },
            ...checks.map(({ name, ok, detail }) =>
              html(
                'li',
                {},
                badge(ok ? 'ok' : 'fails', ok ? 'ok' : 'bad'),
                html('span', {}, CHECKS[name] ?? name),
                detail === undefined ? undefined : html('small', {}, detail),
              ),
            ),
          ),
        ),
        html('section', { class: 'panel' }, html('h2', {}, 'Certificates'), this.certificates()),
        html(
          'section',
          { class: 'panel' },
          html('h2', {}, 'This node'),
          fields(
            ['Overlay', peer.overlay],
            ['Node-ID', html('code', { class: 'id' }, peer.nodeId)],
            ['Roles', [peer.role, ...peer.roles].join(', ')],
            ['Domains', peer.domains.join(', ')],
            ['SIP', peer.sip.map(({ transport, host, port }) => `${transport} ${host}:${port}`).join(', ')],
            ['RELOAD', peer.reload.overlay],
            ['Document', `sequence ${peer.configurationSequence}`],
            ['Version', peer.version],
            ['Up for', duration((Date.now() - Date.parse(peer.startedAt)) / 1000)],
            ['Memory', byteSize(gauges['memoryBytes'] ?? 0)],
            ['Dialogs', gauges['dialogs'] ?? 0],
            ['Transactions', gauges['transactions'] ?? 0],
          ),
        ),
        html('section', { class: 'panel' }, html('h2', {}, 'Storage'), this.storage()),
      ),
      html('section', { class: 'panel' }, html('h2', {}, 'Links'), this.links()),
    )
  }

  private certificates(): HTMLElement {
    const { peer } = this.store.get('peer') ?? {}
    if (peer === undefined) return empty('')
    const uses = { node: 'node', enrollment_ca: 'enrollment authority', sip_tls: 'phones (TLS)' } as const
    const { ok, expiring, expired } = peer.userCertificates
    return html(
      'div',
      {},
      table(
        'Certificates',
        [
          { title: 'Of', cell: ({ use }) => uses[use] },
          { title: 'Until', cell: ({ notAfter }) => day(notAfter) },
          {
            title: '',
            cell: ({ notAfter }) => {
              const days = (Date.parse(notAfter) - Date.now()) / 86_400_000
              if (days <= 0) return badge('expired', 'bad')
              return days < WARN_DAYS ? badge(`${Math.floor(days)} days left`, 'warn') : badge('valid', 'ok')
            },
          },
        ],
        peer.certificates,
      ),
      fields(
        ['Users', `${ok} valid`],
        ['Ending soon', expiring > 0 && badge(String(expiring), 'warn')],
        ['Expired', expired > 0 && badge(String(expired), 'bad')],
      ),
    )
  }

  private storage(): HTMLElement {
    const storage = this.store.get('storage')
    if (storage === undefined || storage.kinds.length === 0) return empty('Nothing is stored here.')
    return table(
      'Stored values',
      [
        // Long names may break behind each word.
        { title: 'Kind', cell: ({ kind }) => kind.replaceAll('_', '_\u200b') },
        { title: 'As', cell: ({ role }) => role },
        { title: 'Values', number: true, cell: ({ values }) => values },
        { title: 'Size', number: true, cell: ({ bytes }) => byteSize(bytes) },
      ],
      storage.kinds,
    )
  }

  private links(): HTMLElement {
    const connections = this.store.get('ring')?.connections ?? []
    if (connections.length === 0) return empty('No link to another node is up.')
    return table(
      'Overlay links',
      [
        { title: 'Node', cell: ({ nodeId }) => html('code', { title: nodeId }, shortId(nodeId)) },
        { title: 'Address', cell: ({ address }) => address ?? '' },
        { title: 'As', cell: ({ peer }) => (peer ? 'peer' : 'client or joining') },
        { title: 'Up', number: true, cell: ({ ageS }) => duration(ageS) },
        { title: 'In', number: true, cell: ({ bytesIn }) => byteSize(bytesIn) },
        { title: 'Out', number: true, cell: ({ bytesOut }) => byteSize(bytesOut) },
        {
          title: 'Round trip',
          number: true,
          cell: ({ rttMs }) => (rttMs === null ? '' : milliseconds(rttMs)),
        },
      ],
      connections,
    )
  }
}
