/** Small building blocks of the panels. */
import { html, type Child } from './dom.ts'

/** Name and value pairs; pairs without value are left out. */
export function fields(...pairs: readonly (readonly [name: string, value: Child])[]): HTMLDListElement {
  return html(
    'dl',
    { class: 'fields' },
    ...pairs.flatMap(([name, value]) =>
      value === undefined || value === false ? [] : [html('dt', {}, name), html('dd', {}, value)],
    ),
  )
}

export function badge(text: string, tone: 'ok' | 'warn' | 'bad' | 'plain' | 'accent'): HTMLSpanElement {
  return html('span', { class: `badge ${tone}` }, text)
}

/** An id in full that may be broken anywhere. */
export function idText(hex: string): HTMLElement {
  return html('code', { class: 'id' }, hex)
}

export function button(label: string, act: () => void, kind: 'plain' | 'quiet' = 'plain'): HTMLButtonElement {
  return html('button', { type: 'button', class: kind, onclick: act }, label)
}

export function empty(text: string): HTMLParagraphElement {
  return html('p', { class: 'empty' }, text)
}

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => Child
  /** Numbers stand at the right. */
  readonly number?: boolean
}

/** On narrow screens each row becomes a block with the titles beside the values. */
export function table<T>(
  caption: string,
  columns: readonly Column<T>[],
  rows: readonly T[],
  chosen?: (row: T) => void,
): HTMLTableElement {
  const body = rows.map((row) => {
    const cells = columns.map(({ title, cell, number }) =>
      html('td', { 'data-title': title, class: number === true ? 'number' : undefined }, cell(row)),
    )
    return html('tr', chosen === undefined ? {} : { class: 'choice', onclick: () => chosen(row) }, ...cells)
  })
  return html(
    'table',
    {},
    html('caption', { class: 'unseen' }, caption),
    html(
      'thead',
      {},
      html(
        'tr',
        {},
        ...columns.map(({ title, number }) =>
          html('th', { scope: 'col', class: number === true ? 'number' : undefined }, title),
        ),
      ),
    ),
    html('tbody', {}, ...body),
  )
}
