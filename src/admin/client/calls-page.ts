/** The latest calls, and what happened to one of them step by step. */
import type { CallView, TraceView } from '../answers.ts'
import { ApiError, get, getText } from './api.ts'
import { html, show } from './dom.ts'
import { badge, button, empty, fields, table } from './fields.ts'
import { clockTime, milliseconds, plural, shortId } from './format.ts'
import type { Store } from './store.ts'

const STATES: Readonly<
  Record<CallView['state'], readonly [text: string, tone: 'ok' | 'warn' | 'bad' | 'plain' | 'accent']>
> = {
  trying: ['trying', 'plain'],
  ringing: ['ringing', 'accent'],
  answered: ['answered', 'accent'],
  ended: ['ended', 'ok'],
  cancelled: ['cancelled', 'plain'],
  refused: ['refused', 'bad'],
  ok: ['ok', 'ok'],
}

export class CallsPage {
  readonly element = html('div', { class: 'page calls-page' })
  private readonly store: Store
  private readonly rows = html('div', { class: 'rows' })
  private readonly detail = html('section', { class: 'panel trace', 'aria-live': 'polite' })
  private readonly all = html('input', { type: 'checkbox', id: 'all-requests', onchange: () => this.draw() })
  private readonly count = html('span', { class: 'count' })
  private shown: string | undefined

  constructor(store: Store) {
    this.store = store
    show(
      this.element,
      html(
        'div',
        { class: 'head' },
        html('h1', {}, 'Calls'),
        this.count,
        html('label', { for: 'all-requests' }, this.all, ' registrations and other requests too'),
      ),
      html('section', { class: 'panel' }, this.rows),
      this.detail,
    )
    this.detail.hidden = true
    store.on(['calls'], () => this.draw())
  }

  /** Shows the trace of a call; '' shows none. */
  open(callId: string): void {
    if (callId === (this.shown ?? '')) return
    this.shown = callId === '' ? undefined : callId
    this.detail.hidden = this.shown === undefined
    if (this.shown !== undefined) void this.load(this.shown)
    this.draw()
  }

  draw(): void {
    const view = this.store.get('calls')
    if (view === undefined || !this.element.isConnected) return
    const calls = view.traces.filter(
      ({ method }) => this.all.checked || method === 'INVITE' || method === 'MESSAGE',
    )
    show(this.count, `${plural(view.total, 'trace')} in memory`)
    if (this.rows.contains(document.activeElement)) return
    show(
      this.rows,
      calls.length === 0
        ? empty('No call passed this node since it was started.')
        : table(
            'Calls',
            [
              { title: 'Time', cell: ({ beganAt }) => clockTime(beganAt) },
              {
                title: 'From',
                cell: ({ from, method, callId }) =>
                  html(
                    'a',
                    {
                      href: `#calls/${encodeURIComponent(callId)}`,
                      'aria-current': callId === this.shown ? 'true' : undefined,
                    },
                    method === 'INVITE' ? from : `${method} ${from}`,
                  ),
              },
              { title: 'To', cell: ({ to }) => to },
              {
                title: 'State',
                cell: ({ state, status }) =>
                  html('span', {}, badge(...STATES[state]), status >= 300 ? ` ${status}` : ''),
              },
              { title: 'Steps', number: true, cell: ({ messages }) => messages },
              {
                title: 'Other nodes',
                cell: ({ nodes }) => nodes.length > 0 && html('code', {}, nodes.map(shortId).join(' ')),
              },
            ],
            calls,
            ({ callId }) => {
              location.hash = `calls/${encodeURIComponent(callId)}`
            },
          ),
    )
  }

  private async load(callId: string): Promise<void> {
    const path = `/api/v1/traces/${encodeURIComponent(callId)}`
    show(this.detail, html('h2', {}, 'Trace'), empty('asking the nodes that took part…'))
    try {
      const [trace, drawing] = await Promise.all([get<TraceView>(path), getText(`${path}?format=svg`)])
      if (this.shown === callId) this.drawTrace(trace, drawing)
    } catch (error) {
      show(
        this.detail,
        html('h2', {}, 'Trace'),
        html('p', { class: 'problem' }, error instanceof ApiError ? error.message : 'no answer'),
      )
    }
  }

  private drawTrace(trace: TraceView, drawing: string): void {
    const message = html('pre', { class: 'message', tabindex: 0 }, 'Choose a step to see its message.')
    const ladder = ladderElement(drawing)
    for (const step of ladder.querySelectorAll('g.step')) {
      const event = trace.events[Number(step.getAttribute('data-row'))]
      if (event === undefined) continue
      step.setAttribute('tabindex', '0')
      step.setAttribute('role', 'button')
      const choose = (): void => {
        for (const other of ladder.querySelectorAll('g.step.chosen')) other.classList.remove('chosen')
        step.classList.add('chosen')
        show(message, event.message ?? explain(event))
      }
      step.addEventListener('click', choose)
      step.addEventListener('keydown', (press) => {
        if ((press as KeyboardEvent).key === 'Enter') choose()
      })
    }
    const silent = trace.parts.filter(({ ok }) => !ok)
    const asked = trace.parts.filter(({ ok }) => ok)
    show(
      this.detail,
      html(
        'div',
        { class: 'head' },
        html('h2', {}, 'Trace'),
        button(
          'Close',
          () => {
            location.hash = 'calls'
          },
          'quiet',
        ),
        button('Load again', () => void this.load(trace.callId), 'quiet'),
      ),
      fields(
        ['Call-ID', html('code', { class: 'id' }, trace.callId)],
        ['Asked too', asked.length > 0 && asked.map(({ node }) => shortId(node)).join(', ')],
        [
          'No word from',
          silent.length > 0 && silent.map(({ node, reason }) => `${shortId(node)} (${reason})`).join(', '),
        ],
        ['Left out', trace.skipped > 0 && plural(trace.skipped, 'step')],
      ),
      html('div', { class: 'ladder-box' }, ladder),
      message,
    )
  }
}

type TraceEvent = TraceView['events'][number]

function explain({ label, detail, path, at, endAt, fault }: TraceEvent): string {
  return [
    label,
    detail,
    ...(path === undefined ? [] : [`way: ${path.map(shortId).join(' → ')}`]),
    ...(endAt === undefined ? [] : [`took ${milliseconds(endAt - at)}`]),
    ...(fault === undefined ? [] : [fault]),
  ].join('\n')
}

/** The drawing comes from the node itself, without script; what is wrong with it shows as text. */
function ladderElement(drawing: string): Element {
  const { documentElement } = new DOMParser().parseFromString(drawing, 'image/svg+xml')
  return documentElement.nodeName === 'svg'
    ? document.importNode(documentElement, true)
    : html('pre', {}, drawing)
}
