import { readFileSync } from 'node:fs'

/** Version of the package, read once; the file stands two folders above both src/app and dist/app. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
