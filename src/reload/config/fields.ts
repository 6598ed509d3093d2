import { unsupported, invalid } from './fault.ts'
import { BASE_NS, CHORD_NS } from './namespaces.ts'
import type { XmlElement } from './xml.ts'

/**
 * The children of one element by name. The grammar (RFC 6940 s.11.1.1) allows elements of other namespaces anywhere
 * and no unknown ones of its own.
 */
export class Fields {
  readonly element: XmlElement
  private readonly byName = new Map<string, XmlElement[]>()

  constructor(element: XmlElement, known: ReadonlySet<string>) {
    this.element = element
    for (const child of element.children) {
      const name = `${child.uri} ${child.local}`
      if ((child.uri === '' || child.uri === BASE_NS || child.uri === CHORD_NS) && !known.has(name)) {
        throw invalid(`<${element.local}> has an unknown <${child.local}>`)
      }
      const sameName = this.byName.get(name)
      if (sameName === undefined) this.byName.set(name, [child])
      else sameName.push(child)
    }
  }

  many(local: string, uri = BASE_NS): readonly XmlElement[] {
    return this.byName.get(`${uri} ${local}`) ?? []
  }

  /** The element that may stand here once, or undefined. */
  one(local: string, uri = BASE_NS): XmlElement | undefined {
    const found = this.many(local, uri)
    if (found.length > 1) throw invalid(`<${local}> stands more than once in <${this.element.local}>`)
    return found[0]
  }

  /** Text of `one`, or undefined. */
  text(local: string, uri = BASE_NS): string | undefined {
    return this.one(local, uri)?.text
  }

  required(local: string): string {
    const text = this.text(local)
    if (text === undefined) throw invalid(`<${this.element.local}> has no <${local}>`)
    return text
  }
}

/** Names of the base namespace for `Fields`. */
export function baseNames(...names: readonly string[]): string[] {
  return names.map((name) => `${BASE_NS} ${name}`)
}

/** An attribute without namespace, or undefined. */
export function attribute(element: XmlElement, local: string): string | undefined {
  return element.attributes.find((a) => a.uri === '' && a.local === local)?.value
}

/** Refuses attributes without a namespace that are not in `known`; foreign ones are ignored. */
export function onlyAttributes(element: XmlElement, ...known: readonly string[]): void {
  for (const { uri, local } of element.attributes) {
    if (uri === '' && !known.includes(local))
      throw invalid(`<${element.local}> has an unknown attribute ${local}`)
  }
}

/** A list of names of which at least one must be ours. */
export function oneSupported(names: readonly string[], ours: string, what: string): void {
  if (names.length > 0 && !names.includes(ours)) throw unsupported(`${what} without ${ours}`)
}
