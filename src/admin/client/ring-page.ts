/** The ring, who is asked about, and what has just happened to it. */
import { html, show } from './dom.ts'
import { badge, table } from './fields.ts'
import { FindPanel, type Found } from './find-panel.ts'
import { clockTime, duration, milliseconds, percent, plural, shortId } from './format.ts'
import { NodePanel } from './node-panel.ts'
import { Rates } from './rates.ts'
import { RingModel, type RingChange } from './ring-model.ts'
import { RingDrawing, type Highlights } from './ring-view.ts'
import type { Store } from './store.ts'

const CHANGES: Readonly<Record<RingChange['what'], readonly [text: string, tone: 'ok' | 'warn' | 'bad']>> = {
  joined: ['joined', 'ok'],
  back: ['is back', 'ok'],
  silent: ['does not answer', 'warn'],
  gone: ['has gone', 'bad'],
}

/** Ghosts fade and ages go on without any news. */
const REDRAW_MS = 5_000

export class RingPage {
  readonly element: HTMLElement
  private readonly store: Store
  private readonly model = new RingModel()
  private readonly drawing: RingDrawing
  private readonly panel = new NodePanel()
  private readonly find: FindPanel
  private readonly rates = new Rates()
  private readonly banner = html('div', { class: 'banner', role: 'status' })
  private readonly changes = html('section', { class: 'panel changes' })
  private readonly list = html('div', { class: 'list' })
  private selected: string | undefined
  private found: Found = { location: undefined, path: [] }

  constructor(store: Store) {
    this.store = store
    this.drawing = new RingDrawing((id) => {
      this.selected = id
      this.draw()
    })
    this.find = new FindPanel((found) => {
      this.found = found
      this.draw()
    })
    this.element = html(
      'div',
      { class: 'page ring-page' },
      html(
        'div',
        { class: 'stage' },
        this.banner,
        this.drawing.element,
        legend(),
        html('details', { class: 'as-table' }, html('summary', {}, 'The ring as a table'), this.list),
      ),
      html('div', { class: 'side' }, this.find.element, this.panel.element, this.changes),
      this.rates.element,
    )
    store.on(['ring', 'walk'], () => this.draw())
    store.on(['rates'], () => {
      const rates = store.get('rates')
      if (rates !== undefined) this.rates.add(rates)
    })
    setInterval(() => this.draw(), REDRAW_MS)
  }

  /** Looks an AOR up, as another page wants it. */
  locate(aor: string): void {
    this.find.ask(aor)
  }

  private draw(): void {
    const { store, model } = this
    const ring = store.get('ring')
    if (ring === undefined) return
    const walk = store.get('walk')
    model.update(Date.now(), ring, walk, store.heardAt('walk'))
    this.selected ??= ring.nodeId
    const { location, path } = this.found
    const highlights: Highlights = {
      selected: this.selected,
      resource: location?.resourceId,
      holders: location === undefined ? [] : [location.responsible, ...location.replicas],
      path,
    }
    this.drawing.update(model, highlights)
    this.panel.update(model.find(this.selected), ring, walk)
    this.drawBanner()
    this.drawChanges()
    this.drawList()
  }

  private drawBanner(): void {
    const walk = this.store.get('walk')
    const ring = this.store.get('ring')
    const { state = '' } = ring ?? {}
    if (state !== '' && state !== 'joined') {
      show(this.banner, badge(state, 'warn'), ' this node sees only a part of the ring, or none of it')
    } else if (walk === undefined)
      show(this.banner, badge('walking', 'plain'), ' asking the nodes one after the other')
    else if (walk.complete)
      show(
        this.banner,
        badge('one ring', 'ok'),
        ` ${plural(walk.nodes.length, 'node')} asked in ${milliseconds(walk.tookMs)}, at ${clockTime(walk.takenAt)}`,
      )
    else
      show(
        this.banner,
        badge('not one ring', 'warn'),
        ` ${short(walk.faults[0] ?? '')}${walk.faults.length > 1 ? `, and ${walk.faults.length - 1} more` : ''}`,
      )
  }

  private drawChanges(): void {
    const { changes } = this.model
    show(
      this.changes,
      html('h2', {}, 'Changes'),
      changes.length === 0
        ? html('p', { class: 'empty' }, 'Nobody came or went while this page was open.')
        : html(
            'ol',
            {},
            ...changes.slice(0, 12).map(({ at, id, what }) => {
              const [text, tone] = CHANGES[what]
              return html(
                'li',
                {},
                html('time', {}, clockTime(at)),
                html('code', {}, shortId(id)),
                badge(text, tone),
              )
            }),
          ),
    )
  }

  private drawList(): void {
    if (
      (this.list.parentElement as HTMLDetailsElement | null)?.open !== true &&
      this.list.childElementCount > 0
    )
      return
    show(
      this.list,
      table(
        'Nodes of the ring',
        [
          { title: 'Node-ID', cell: ({ id }) => html('code', { class: 'id' }, id) },
          { title: 'State', cell: ({ state }) => state },
          { title: 'Ties', cell: ({ ties }) => ties.join(', ') },
          { title: 'Owns', number: true, cell: ({ share }) => (share === undefined ? '' : percent(share)) },
          { title: 'Resources', number: true, cell: ({ resources }) => resources ?? '' },
          {
            title: 'Up',
            number: true,
            cell: ({ uptimeS }) => (uptimeS === undefined ? '' : duration(uptimeS)),
          },
          {
            title: 'Answers in',
            number: true,
            cell: ({ rttMs }) => (rttMs === undefined ? '' : milliseconds(rttMs)),
          },
        ],
        this.model.nodes,
      ),
    )
  }
}

/** Whole ids make a sentence that nobody reads. */
function short(fault: string): string {
  return fault.replace(/\b[0-9a-f]{32,40}\b/g, (id) => shortId(id))
}

function legend(): HTMLElement {
  const entry = (name: string, text: string): HTMLElement =>
    html('li', {}, html('span', { class: `key ${name}`, 'aria-hidden': 'true' }), text)
  return html(
    'ul',
    { class: 'legend' },
    entry('self', 'this node and what it owns'),
    entry('successor', 'its successors'),
    entry('predecessor', 'predecessors'),
    entry('finger', 'fingers'),
    entry('silent', 'does not answer'),
    entry('gone', 'has gone'),
  )
}
