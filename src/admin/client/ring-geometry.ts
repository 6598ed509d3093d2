/** Where things are on the circle: ids become angles, arcs become paths, labels get out of each other's way. No DOM. */

export interface Point {
  readonly x: number
  readonly y: number
}

/** `view` leaves room for the labels, which are longer than high. */
export const RING = { size: 640, centre: 320, radius: 208, view: '-36 54 712 532' } as const

const TURN = 2 * Math.PI

/** Angle of an id in hex, clockwise from the top, 0 to 2π. */
export function angleOf(hex: string): number {
  // 52 bits are finer than any screen.
  const digits = hex.slice(0, 13).padEnd(13, '0')
  return (Number.parseInt(digits, 16) / 2 ** 52) * TURN
}

export function pointAt(angle: number, radius: number): Point {
  return { x: RING.centre + radius * Math.sin(angle), y: RING.centre - radius * Math.cos(angle) }
}

/** Clockwise arc from one angle to another; the whole circle when they are the same. */
export function arcPath(from: number, to: number, radius: number): string {
  const sweep = to > from ? to - from : to - from + TURN
  const start = pointAt(from, radius)
  const text = ({ x, y }: Point): string => `${x.toFixed(2)} ${y.toFixed(2)}`
  if (sweep > TURN - 1e-6) {
    const middle = pointAt(from + Math.PI, radius)
    return `M${text(start)}A${radius} ${radius} 0 1 1 ${text(middle)}A${radius} ${radius} 0 1 1 ${text(start)}`
  }
  const end = pointAt(to, radius)
  return `M${text(start)}A${radius} ${radius} 0 ${sweep > Math.PI ? 1 : 0} 1 ${text(end)}`
}

/** A line between two places of the circle, bent towards its middle so that it is told apart from the circle. */
export function chordPath(from: number, to: number, radius: number): string {
  const a = pointAt(from, radius)
  const b = pointAt(to, radius)
  const apart = Math.abs(Math.atan2(Math.sin(to - from), Math.cos(to - from)))
  const middle = (from + Math.atan2(Math.sin(to - from), Math.cos(to - from)) / 2 + TURN) % TURN
  const depth = radius * Math.max(0, Math.cos(apart / 2)) * 0.72
  const control = pointAt(middle, depth)
  return `M${a.x.toFixed(2)} ${a.y.toFixed(2)}Q${control.x.toFixed(2)} ${control.y.toFixed(2)} ${b.x.toFixed(2)} ${b.y.toFixed(2)}`
}

export interface LabelPlace {
  readonly id: string
  readonly x: number
  readonly y: number
  readonly anchor: 'start' | 'end'
}

/** From one line of text to the next, in heights of the letters. */
const LABEL_LINE = 1.2
/** On a laptop there is room to spare. */
const LABEL_GAP_LEAST = 19
const LABEL_RADIUS = 40

/**
 * Labels outside the circle, each at the height of its node as far as those of its half leave room; `fontSize` in units of the drawing, which is
 * small on a phone and has larger letters for that.
 */
export function labelPlaces(ids: readonly string[], fontSize: number): LabelPlace[] {
  const gap = Math.max(LABEL_GAP_LEAST, LABEL_LINE * fontSize)
  const right: { id: string; y: number }[] = []
  const left: { id: string; y: number }[] = []
  for (const id of ids) {
    const angle = angleOf(id)
    const { y } = pointAt(angle, RING.radius + LABEL_RADIUS - 10)
    ;(angle < Math.PI ? right : left).push({ id, y })
  }
  return [...column(right, 'start', gap), ...column(left, 'end', gap)]
}

function column(labels: { id: string; y: number }[], anchor: 'start' | 'end', gap: number): LabelPlace[] {
  const sorted = labels.toSorted((a, b) => a.y - b.y)
  const ys = spread(
    sorted.map(({ y }) => y),
    gap,
    70,
    RING.size - 66,
  )
  return sorted.map(({ id }, index) => {
    const y = ys[index] as number
    const reach = RING.radius + LABEL_RADIUS
    const across = Math.sqrt(Math.max(0, reach ** 2 - (y - RING.centre) ** 2))
    const x = RING.centre + (anchor === 'start' ? 1 : -1) * Math.max(across, 26)
    return { id, x, y: y + 4, anchor }
  })
}

/** Moves sorted values apart until no two are nearer than `gap`, within `low` and `high` where that is possible. */
export function spread(values: readonly number[], gap: number, low: number, high: number): number[] {
  const out = values.map((value) => Math.min(Math.max(value, low), high))
  // Groups of touching labels move together, so that everybody stays near its place.
  for (let round = 0; round < 60; round++) {
    let moved = false
    for (let at = 1; at < out.length; at++) {
      const over = gap - ((out[at] as number) - (out[at - 1] as number))
      if (over <= 0.01) continue
      moved = true
      out[at - 1] = Math.max((out[at - 1] as number) - over / 2, low)
      out[at] = (out[at - 1] as number) + gap
    }
    if (!moved) break
  }
  for (let at = out.length - 1; at >= 0; at--) {
    const most = high - (out.length - 1 - at) * gap
    if ((out[at] as number) > most) out[at] = Math.max(most, low)
  }
  return out
}
