/** What stands behind the # of the page's address: which page, and what it shows. */

/** Somebody may have typed it: what cannot be decoded is taken as it stands, instead of leaving the page dead. */
export function readFragment(hash: string): { readonly name: string; readonly detail: string } {
  const [name = '', ...rest] = hash.replace(/^#/, '').split('/')
  const detail = rest.join('/')
  try {
    return { name, detail: decodeURIComponent(detail) }
  } catch {
    return { name, detail }
  }
}
