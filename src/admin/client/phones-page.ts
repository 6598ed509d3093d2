/** Phones that are registered at this node, and the flow each is reached by. */
import type { BindingsView } from '../answers.ts'
import { html, show } from './dom.ts'
import { badge, button, empty, table } from './fields.ts'
import { duration, plural } from './format.ts'
import type { Store } from './store.ts'

type Binding = BindingsView['bindings'][number]

const FLOWS: Readonly<Record<Binding['flow'], readonly [text: string, tone: 'ok' | 'plain' | 'bad']>> = {
  address: ['by its address', 'plain'],
  flow: ['by its connection', 'ok'],
  lost: ['connection lost', 'bad'],
}

const REDRAW_MS = 1_000

export class PhonesPage {
  readonly element = html('div', { class: 'page phones-page' })
  private readonly store: Store
  private readonly locate: (aor: string) => void
  private readonly rows = html('div', { class: 'rows' })
  private readonly filter = html('input', {
    type: 'search',
    placeholder: 'user, address or phone model',
    'aria-label': 'Filter',
    oninput: () => this.draw(),
  })
  private readonly count = html('span', { class: 'count' })

  /** `locate` shows an AOR on the ring. */
  constructor(store: Store, locate: (aor: string) => void) {
    this.store = store
    this.locate = locate
    show(
      this.element,
      html('div', { class: 'head' }, html('h1', {}, 'Phones'), this.count, this.filter),
      html('section', { class: 'panel' }, this.rows),
    )
    store.on(['bindings'], () => this.draw())
    setInterval(() => this.draw(), REDRAW_MS)
  }

  private draw(): void {
    const view = this.store.get('bindings')
    if (view === undefined || !this.element.isConnected) return
    // A button that somebody is about to press is not taken away.
    if (this.rows.contains(document.activeElement)) return
    const wanted = this.filter.value.trim().toLowerCase()
    const elapsed = (Date.now() - this.store.heardAt('bindings')) / 1000
    const found = view.bindings.filter(({ aor, contact, userAgent }) =>
      `${aor} ${contact} ${userAgent ?? ''}`.toLowerCase().includes(wanted),
    )
    show(
      this.count,
      view.bindings.length < view.total
        ? `the first ${view.bindings.length} of ${view.total}`
        : plural(view.total, 'binding'),
    )
    show(
      this.rows,
      found.length === 0
        ? empty(view.total === 0 ? 'No phone is registered at this node.' : 'No phone like that.')
        : table(
            'Bindings',
            [
              { title: 'AOR', cell: ({ aor }) => html('strong', {}, aor) },
              { title: 'Contact', cell: ({ contact }) => html('code', {}, contact) },
              { title: 'Phone', cell: ({ userAgent }) => userAgent ?? '' },
              { title: 'Transport', cell: ({ transport }) => transport.toUpperCase() },
              { title: 'Reached', cell: ({ flow }) => badge(...FLOWS[flow]) },
              { title: 'Expires in', number: true, cell: ({ expiresS }) => duration(expiresS - elapsed) },
              { title: '', cell: ({ aor }) => button('On the ring', () => this.locate(aor), 'quiet') },
            ],
            found,
          ),
    )
  }
}
