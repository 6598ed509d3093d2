/** The admin page as the node serves it: one document, one style sheet, and the scripts that the build has put beside this file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { utf8 } from '../common/bytes.ts'
import { ICON, PAGE } from './page.ts'
import { STYLE } from './style.ts'

export interface Asset {
  readonly type: string
  readonly bytes: Uint8Array
}

/** By path. Without a build there are no scripts, and the page says so. */
export function pageAssets(): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>([
    ['/', { type: 'text/html; charset=utf-8', bytes: utf8(PAGE) }],
    ['/assets/icon.svg', { type: 'image/svg+xml', bytes: utf8(ICON) }],
    ['/assets/style.css', { type: 'text/css; charset=utf-8', bytes: utf8(STYLE) }],
  ])
  const folder = fileURLToPath(new URL('./client/', import.meta.url))
  const names = existsSync(folder) ? readdirSync(folder) : []
  for (const name of names) {
    if (!/^[\w-]+\.js$/.test(name)) continue
    assets.set(`/assets/${name}`, {
      type: 'text/javascript; charset=utf-8',
      bytes: readFileSync(`${folder}${name}`),
    })
  }
  return assets
}
