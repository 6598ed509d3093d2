/** Where is this AOR? The place on the ring, the nodes that hold it, each entry with its signer, and ways to try them. */
import type { LocationView, PathView, PingView } from '../answers.ts'
import { ApiError, get } from './api.ts'
import { html, show } from './dom.ts'
import { badge, button, empty, fields, idText } from './fields.ts'
import { duration, milliseconds, plural, shortId } from './format.ts'

export interface Found {
  readonly location: LocationView | undefined
  readonly path: readonly string[]
}

export class FindPanel {
  readonly element: HTMLElement
  private readonly input = html('input', {
    type: 'search',
    id: 'aor',
    placeholder: 'user@domain',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 512,
  })
  private readonly answer = html('div', { class: 'answer', 'aria-live': 'polite' })
  private readonly found: (found: Found) => void
  private location: LocationView | undefined
  private path: PathView | undefined
  private result = ''

  /** `found`: what is to be pointed out on the ring. */
  constructor(found: (found: Found) => void) {
    this.found = found
    this.element = html(
      'section',
      { class: 'panel find-panel' },
      html('h2', {}, html('label', { for: 'aor' }, 'Where is this AOR?')),
      html(
        'form',
        {
          class: 'find',
          onsubmit: (event) => {
            event.preventDefault()
            void this.find(this.input.value.trim())
          },
        },
        this.input,
        html('button', { type: 'submit', class: 'plain' }, 'Find'),
      ),
      this.answer,
    )
  }

  /** Shows an AOR as if it had been typed. */
  ask(aor: string): void {
    this.input.value = aor
    void this.find(aor)
  }

  private async find(aor: string): Promise<void> {
    this.path = undefined
    this.location = undefined
    this.result = ''
    if (aor === '') {
      show(this.answer)
      this.tell()
      return
    }
    show(this.answer, empty('asking the overlay…'))
    try {
      this.location = await get<LocationView>(`/api/v1/locate?aor=${encodeURIComponent(aor)}`)
      this.draw(this.location)
    } catch (error) {
      show(
        this.answer,
        html('p', { class: 'problem' }, error instanceof ApiError ? error.message : 'no answer'),
      )
    }
    this.tell()
  }

  private tell(): void {
    this.found({ location: this.location, path: this.path?.hops.map(({ nodeId }) => nodeId) ?? [] })
  }

  private draw(location: LocationView): void {
    const { entries, rejected, replicas, userExists } = location
    show(
      this.answer,
      fields(
        ['Resource-ID', idText(location.resourceId)],
        ['Responsible', idText(location.responsible)],
        ['Copies', replicas.length === 0 ? 'none found' : html('span', {}, ...replicas.map(idText))],
        ['Answer', `${plural(location.hops, 'hop')}, ${milliseconds(location.rttMs)}`],
      ),
      ...entries.map((entry) => this.entry(entry)),
      entries.length === 0 &&
        empty(
          userExists ? 'The user exists and is not registered anywhere.' : 'The overlay knows no such user.',
        ),
      rejected > 0 &&
        html(
          'p',
          { class: 'problem' },
          `${plural(rejected, 'entry', 'entries')} not believed: wrong signature or signer`,
        ),
      html(
        'p',
        { class: 'actions' },
        button('Ping the responsible peer', () => void this.ping(location.responsible)),
        button('Show the way', () => void this.way(location.aor)),
        this.result === '' ? undefined : html('span', { class: 'result' }, this.result),
      ),
    )
  }

  private entry(entry: LocationView['entries'][number]): HTMLElement {
    const left = (entry.expiresAt - Date.now()) / 1000
    const target =
      entry.type === 'route' ? html('span', {}, 'at node ', idText(entry.target)) : `to ${entry.target}`
    return html(
      'article',
      { class: 'entry' },
      html('h3', {}, entry.type === 'route' ? 'Registered' : 'Forwarded', ' ', target),
      fields(
        ['Signed by', html('span', {}, entry.signer.userName, ' ', badge('signature valid', 'ok'))],
        ['Key', idText(entry.key)],
        [
          'Lifetime',
          left > 0
            ? `${duration(left)} left of ${duration(entry.lifetimeS)}`
            : html('span', {}, badge('expired', 'bad'), ` ${duration(-left)} ago`),
        ],
        ['Preferences', entry.contactPrefs === '' ? undefined : html('code', {}, entry.contactPrefs)],
        ['Certificate until', new Date(entry.signer.notAfter).toISOString().slice(0, 10)],
      ),
    )
  }

  private async ping(node: string): Promise<void> {
    await this.attempt(async () => {
      const { rttMs } = await get<PingView>(`/api/v1/ping?node=${node}`)
      return `${shortId(node)} answered in ${milliseconds(rttMs)}`
    })
  }

  private async way(aor: string): Promise<void> {
    await this.attempt(async () => {
      this.path = await get<PathView>(`/api/v1/path?aor=${encodeURIComponent(aor)}`)
      const names = this.path.hops.map(({ nodeId }) => shortId(nodeId)).join(' → ')
      return this.path.complete ? names : `${names}: ${this.path.fault}`
    })
  }

  private async attempt(what: () => Promise<string>): Promise<void> {
    const { location } = this
    try {
      this.result = await what()
    } catch (error) {
      this.result = error instanceof ApiError ? error.message : 'no answer'
    }
    if (location === undefined || location !== this.location) return
    this.draw(location)
    this.tell()
  }
}
