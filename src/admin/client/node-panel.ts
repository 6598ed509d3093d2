/** What is known of one node, and a way to ask it whether it lives. */
import type { PingView, RingView, WalkView } from '../answers.ts'
import { ApiError, get } from './api.ts'
import { html, show } from './dom.ts'
import { badge, button, fields, idText } from './fields.ts'
import { byteSize, duration, milliseconds, percent } from './format.ts'
import type { RingNode } from './ring-model.ts'

const STATES: Readonly<
  Record<RingNode['state'], readonly [text: string, tone: Parameters<typeof badge>[1]]>
> = {
  self: ['this node', 'accent'],
  heard: ['answers', 'ok'],
  known: ['not asked yet', 'plain'],
  silent: ['does not answer', 'warn'],
  gone: ['gone', 'bad'],
}

export class NodePanel {
  readonly element = html('section', { class: 'panel node-panel', 'aria-live': 'polite' })
  private readonly result = html('span', { class: 'result' })
  private shown = ''
  private asked = ''

  update(node: RingNode | undefined, ring: RingView | undefined, walk: WalkView | undefined): void {
    if (node === undefined) {
      this.shown = ''
      show(this.element, html('h2', {}, 'Node'), html('p', { class: 'empty' }, 'Choose a node on the ring.'))
      return
    }
    const link = ring?.connections.find(({ nodeId }) => nodeId === node.id)
    const comparable = JSON.stringify([
      node.id,
      node.state,
      node.ties,
      node.successor,
      node.share,
      node.resources,
      link?.address,
    ])
    // Only what changed is drawn anew, so that the button keeps the focus.
    if (comparable === this.shown) return
    this.shown = comparable
    if (this.asked !== node.id) show(this.result)
    this.asked = node.id
    const successor = walk?.nodes.find(({ nodeId }) => nodeId === node.id)?.successor
    show(
      this.element,
      html('h2', {}, 'Node ', badge(...STATES[node.state])),
      fields(
        ['Node-ID', idText(node.id)],
        ['Ties', node.ties.length > 0 && node.ties.join(', ')],
        ['Owns', node.share === undefined ? undefined : `${percent(node.share)} of the ring`],
        ['Resources', node.resources],
        ['Successor', successor === undefined || successor === null ? undefined : idText(successor)],
        ['Up for', node.uptimeS === undefined ? undefined : duration(node.uptimeS)],
        [
          'Answer time',
          node.rttMs === undefined || node.state === 'self' ? undefined : milliseconds(node.rttMs),
        ],
        ['Link', link === undefined ? undefined : (link.address ?? 'up')],
        [
          'Bytes on it',
          link === undefined ? undefined : `${byteSize(link.bytesIn)} in, ${byteSize(link.bytesOut)} out`,
        ],
      ),
      node.state !== 'self' && node.state !== 'gone'
        ? html(
            'p',
            { class: 'actions' },
            button('Ping', () => void this.ping(node.id)),
            this.result,
          )
        : undefined,
    )
  }

  private async ping(id: string): Promise<void> {
    show(this.result, 'asking…')
    try {
      const { rttMs } = await get<PingView>(`/api/v1/ping?node=${id}`)
      show(this.result, `answered in ${milliseconds(rttMs)}`)
    } catch (error) {
      show(this.result, error instanceof ApiError ? error.message : 'no answer')
    }
  }
}
