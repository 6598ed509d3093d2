/** The ring as a drawing: nodes by their ids on a circle, what each owns, whom this node keeps links to, who came and went. */
import { set, show, svg } from './dom.ts'
import { percent, shortId } from './format.ts'
import { angleOf, arcPath, chordPath, labelPlaces, pointAt, RING } from './ring-geometry.ts'
import type { RingModel, RingNode } from './ring-model.ts'

/** What is pointed out beside the ring itself. */
export interface Highlights {
  /** Node-ID. */
  readonly selected: string | undefined
  /** Resource-ID of an AOR that was looked up. */
  readonly resource: string | undefined
  /** Nodes that hold it, the responsible one first. */
  readonly holders: readonly string[]
  /** Nodes that a request passes. */
  readonly path: readonly string[]
}

export const NO_HIGHLIGHTS: Highlights = { selected: undefined, resource: undefined, holders: [], path: [] }

/** With more nodes than this only those in question are named. */
const LABELS_MAX = 40

interface Drawn {
  readonly group: SVGGElement
  readonly dot: SVGCircleElement
  readonly halo: SVGCircleElement
}

export class RingDrawing {
  readonly element: SVGSVGElement
  private readonly arcs = svg('g', { class: 'arcs' })
  private readonly links = svg('g', { class: 'links' })
  private readonly marks = svg('g', { class: 'marks' })
  private readonly dots = svg('g', { class: 'dots' })
  private readonly labels = svg('g', { class: 'labels', 'aria-hidden': 'true' })
  private readonly middle = svg('g', { class: 'middle', 'aria-hidden': 'true' })
  private readonly drawn = new Map<string, Drawn>()
  private readonly chosen: (id: string) => void
  private hovered: string | undefined
  private last: { model: RingModel; highlights: Highlights } | undefined

  /** `chosen`: somebody clicked a node, or came to it with the keyboard and pressed Enter. */
  constructor(chosen: (id: string) => void) {
    this.chosen = chosen
    const { centre, radius } = RING
    this.element = svg(
      'svg',
      { class: 'ring', viewBox: RING.view, role: 'group', 'aria-label': 'The ring' },
      svg('circle', { class: 'circle', cx: centre, cy: centre, r: radius }),
      this.arcs,
      this.links,
      this.marks,
      this.labels,
      this.dots,
      this.middle,
    )
  }

  update(model: RingModel, highlights: Highlights): void {
    this.last = { model, highlights }
    const focus = this.hovered ?? highlights.selected
    this.drawArcs(model, focus)
    this.drawLinks(model, highlights)
    this.drawMarks(highlights)
    this.drawDots(model, highlights)
    this.drawLabels(model, highlights, focus)
    this.drawMiddle(model)
  }

  private hover(id: string | undefined): void {
    if (this.hovered === id || this.last === undefined) return
    this.hovered = id
    this.update(this.last.model, this.last.highlights)
  }

  /** What each living node owns: from the one before it up to itself. */
  private drawArcs(model: RingModel, focus: string | undefined): void {
    const { living } = model
    show(
      this.arcs,
      ...living.map((node, index) => {
        const before = living[(index - 1 + living.length) % living.length] as RingNode
        const tone = node.state === 'self' ? ' own' : index % 2 === 0 ? ' even' : ' odd'
        const share = node.share === undefined ? '' : `, ${percent(node.share)}`
        return svg(
          'path',
          {
            class: `arc${tone}${node.id === focus ? ' chosen' : ''}`,
            d: arcPath(angleOf(before.id), angleOf(node.id), RING.radius),
            onpointerenter: () => this.hover(node.id),
            onpointerleave: () => this.hover(undefined),
            onclick: () => this.chosen(node.id),
          },
          svg('title', {}, `what ${shortId(node.id)} owns${share}`),
        )
      }),
    )
  }

  /** Lines of this node to its fingers and neighbors; successors that do not fit together; the way of a request. */
  private drawLinks(model: RingModel, { path }: Highlights): void {
    const self = model.nodes.find(({ state }) => state === 'self')
    const lines: SVGPathElement[] = []
    const line = (from: string, to: string, name: string): void => {
      const d = chordPath(angleOf(from), angleOf(to), RING.radius - 12)
      lines.push(svg('path', { class: `link ${name}`, d }))
    }
    for (const node of self === undefined ? [] : model.nodes) {
      if (node === self || node.state === 'gone') continue
      if (node.ties.some((tie) => tie.startsWith('successor'))) line(self?.id ?? '', node.id, 'successor')
      else if (node.ties.some((tie) => tie.startsWith('predecessor')))
        line(self?.id ?? '', node.id, 'predecessor')
      else if (node.ties.includes('finger')) line(self?.id ?? '', node.id, 'finger')
    }
    const { living } = model
    for (const [index, node] of living.entries()) {
      const next = living[(index + 1) % living.length]?.id
      if (node.state === 'heard' && node.successor !== undefined && node.successor !== next)
        line(node.id, node.successor, 'wrong')
    }
    for (let step = 1; step < path.length; step++)
      line(path[step - 1] as string, path[step] as string, 'path')
    show(this.links, ...lines)
  }

  private drawMarks({ resource, holders }: Highlights): void {
    if (resource === undefined) return show(this.marks)
    const angle = angleOf(resource)
    const inner = pointAt(angle, RING.radius - 26)
    const outer = pointAt(angle, RING.radius + 9)
    const [responsible] = holders
    show(
      this.marks,
      responsible !== undefined &&
        svg('path', { class: 'reach', d: arcPath(angle, angleOf(responsible), RING.radius - 14) }),
      svg('line', { class: 'resource', x1: inner.x, y1: inner.y, x2: outer.x, y2: outer.y }),
      svg(
        'circle',
        { class: 'resource', cx: inner.x, cy: inner.y, r: 5 },
        svg('title', {}, `Resource-ID ${resource}`),
      ),
    )
  }

  private drawDots(model: RingModel, { selected, holders, path }: Highlights): void {
    for (const [id, { group }] of this.drawn) {
      if (model.find(id) !== undefined) continue
      group.remove()
      this.drawn.delete(id)
    }
    for (const node of model.nodes) {
      const { group, dot, halo } = this.drawn.get(node.id) ?? this.dot(node.id)
      const holder = holders.indexOf(node.id)
      const marks = [
        node.id === selected ? ' selected' : '',
        holder === 0 ? ' responsible' : holder > 0 ? ' replica' : '',
        path.includes(node.id) ? ' passed' : '',
      ]
      set(group, { class: `node ${node.state}${marks.join('')}`, 'aria-label': describe(node, holder) })
      // Neighbors may be very near: this node stays on top of them.
      if (node.state === 'self' && group.nextSibling !== null && !group.contains(document.activeElement))
        this.dots.append(group)
      set(dot, { r: node.state === 'self' ? 10 : 7 })
      set(halo, { r: node.state === 'self' ? 16 : 13 })
    }
  }

  private dot(id: string): Drawn {
    const { x, y } = pointAt(angleOf(id), RING.radius)
    const halo = svg('circle', { class: 'halo', cx: x, cy: y })
    const dot = svg('circle', { class: 'dot', cx: x, cy: y })
    const group = svg(
      'g',
      {
        tabindex: 0,
        role: 'button',
        onclick: () => this.chosen(id),
        onkeydown: (event) => {
          const { key } = event as KeyboardEvent
          if (key !== 'Enter' && key !== ' ') return
          event.preventDefault()
          this.chosen(id)
        },
        onpointerenter: () => this.hover(id),
        onpointerleave: () => this.hover(undefined),
        onfocus: () => this.hover(id),
        onblur: () => this.hover(undefined),
      },
      halo,
      dot,
    )
    this.dots.append(group)
    const drawn = { group, dot, halo }
    this.drawn.set(id, drawn)
    return drawn
  }

  private drawLabels(
    model: RingModel,
    { selected, holders, path }: Highlights,
    focus: string | undefined,
  ): void {
    const all = model.nodes.length <= LABELS_MAX
    const named = model.nodes.filter(
      ({ id, state }) =>
        all ||
        state === 'self' ||
        id === selected ||
        id === focus ||
        holders.includes(id) ||
        path.includes(id),
    )
    // A drawing that is not on the page yet has no style.
    const fontSize = Number.parseFloat(getComputedStyle(this.element).fontSize) || 0
    const places = labelPlaces(
      named.map(({ id }) => id),
      fontSize,
    )
    show(
      this.labels,
      ...places.flatMap(({ id, x, y, anchor }) => {
        const node = model.find(id)
        const near = pointAt(angleOf(id), RING.radius + 13)
        const tone = `${node?.state ?? ''}${id === focus ? ' chosen' : ''}`
        const holder = holders.indexOf(id)
        const role =
          holder === 0 ? ' responsible' : holder > 0 ? ' copy' : node?.state === 'self' ? ' this node' : ''
        return [
          svg('line', {
            class: 'leader',
            x1: near.x,
            y1: near.y,
            x2: x + (anchor === 'start' ? -3 : 3),
            y2: y - 4,
          }),
          svg(
            'text',
            { class: `label ${tone}`, x, y, 'text-anchor': anchor },
            shortId(id),
            svg('tspan', { class: 'role' }, role),
          ),
        ]
      }),
    )
  }

  private drawMiddle(model: RingModel): void {
    const { centre } = RING
    const count = model.living.length
    show(
      this.middle,
      svg('text', { class: 'count', x: centre, y: centre + 6, 'text-anchor': 'middle' }, count),
      svg(
        'text',
        { class: 'unit', x: centre, y: centre + 30, 'text-anchor': 'middle' },
        count === 1 ? 'peer' : 'peers',
      ),
    )
  }
}

/** For screen readers. */
function describe({ id, state, ties, share }: RingNode, holder: number): string {
  const words: Record<RingNode['state'], string> = {
    self: 'this node',
    heard: 'node',
    known: 'node, not asked yet',
    silent: 'node that does not answer',
    gone: 'node that has gone',
  }
  return [
    `${words[state]} ${shortId(id)}`,
    ...ties,
    ...(share === undefined ? [] : [`owns ${percent(share)}`]),
    ...(holder === 0 ? ['responsible'] : holder > 0 ? ['holds a copy'] : []),
  ].join(', ')
}
