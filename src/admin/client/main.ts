/** The admin page: keeps the stream of news open, shows one of four pages, asks for the token where one is needed. */
import { ApiError, setToken, stream } from './api.ts'
import { CallsPage } from './calls-page.ts'
import { html, set, show } from './dom.ts'
import { badge } from './fields.ts'
import { shortId } from './format.ts'
import { readFragment } from './fragment.ts'
import { HealthPage } from './health-page.ts'
import { PhonesPage } from './phones-page.ts'
import { RingPage } from './ring-page.ts'
import { Store, type Topics } from './store.ts'

const RETRY_MS = 2_000

const store = new Store()
const ringPage = new RingPage(store)
const goToRing = (aor: string): void => {
  location.hash = 'ring'
  ringPage.locate(aor)
}
const callsPage = new CallsPage(store)
const healthPage = new HealthPage(store)
const PAGES = [
  { name: 'ring', title: 'Ring', page: ringPage },
  { name: 'phones', title: 'Phones', page: new PhonesPage(store, goToRing) },
  { name: 'calls', title: 'Calls', page: callsPage },
  { name: 'health', title: 'Health', page: healthPage },
] as const

const links = PAGES.map(({ name, title }) => html('a', { href: `#${name}` }, title))
const status = html('p', { class: 'status', role: 'status' })
const main = html('main', {})

function header(): HTMLElement {
  return html(
    'header',
    {},
    html('a', { class: 'brand', href: '#ring' }, 'Ringbridge'),
    html('nav', { 'aria-label': 'Pages' }, ...links),
    status,
    html('a', { class: 'docs-link', href: '/api/docs' }, 'API'),
  )
}

function drawStatus(): void {
  const told = store.get('peer')
  if (store.get('live') !== true) return show(status, badge('not connected', 'bad'), ' trying again')
  if (told === undefined) return show(status)
  const { peer, checks } = told
  const failing = checks.filter(({ ok }) => !ok)
  show(
    status,
    html('code', { title: peer.nodeId }, shortId(peer.nodeId)),
    html('span', { class: 'overlay-name' }, peer.overlay),
    peer.draining
      ? badge('draining', 'warn')
      : failing.length === 0
        ? badge('ready', 'ok')
        : badge(`not ready: ${failing.map(({ name }) => name).join(', ')}`, 'bad'),
  )
  document.title = `${shortId(peer.nodeId)} · Ringbridge`
}

function route(): void {
  const { name, detail } = readFragment(location.hash)
  const index = Math.max(
    0,
    PAGES.findIndex((page) => page.name === name),
  )
  for (const [at, link] of links.entries()) set(link, { 'aria-current': at === index ? 'page' : undefined })
  const chosen = PAGES[index] ?? PAGES[0]
  if (main.firstElementChild !== chosen.page.element) show(main, chosen.page.element)
  if (chosen.page === callsPage) {
    callsPage.open(detail)
    callsPage.draw()
  }
  if (chosen.page === healthPage) healthPage.draw()
}

/** Resolves once somebody has typed one. */
function askForToken(reason: string): Promise<void> {
  return new Promise((resolve) => {
    const input = html('input', { type: 'password', id: 'token', autocomplete: 'off', required: true })
    const form = html(
      'form',
      {
        class: 'panel token',
        onsubmit: (event) => {
          event.preventDefault()
          setToken(input.value)
          show(app, header(), main)
          resolve()
        },
      },
      html('h1', {}, 'Ringbridge'),
      html('p', {}, reason),
      html('label', { for: 'token' }, 'Token (admin.token of the configuration)'),
      input,
      html('button', { type: 'submit', class: 'plain' }, 'Go on'),
    )
    show(app, form)
    input.focus()
  })
}

async function listen(): Promise<never> {
  for (;;) {
    try {
      await stream(
        '/api/v1/events',
        () => store.put('live', true),
        (topic, data) => store.put(topic as keyof Topics, data as Topics[keyof Topics]),
      )
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        store.put('live', false)
        await askForToken(
          error.message === 'wrong token' ? 'That token is wrong.' : 'From here this node wants a token.',
        )
        continue
      }
    }
    store.put('live', false)
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

const app = document.getElementById('app') ?? document.body
show(app, header(), main)
store.on(['peer', 'live'], drawStatus)
addEventListener('hashchange', route)
route()
drawStatus()
void listen()
