/** What the product is made of besides its own source: only what the lock file names, by hash, and nothing that runs at installation. */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..', '..')

interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')
const lock = JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, Locked>> }
const manifest = JSON.parse(read('package.json')) as Manifest
const installed = Object.entries(lock.packages).filter(([place]) => place !== '')

/** Packages that the product's source names in an import. */
function imported(): Set<string> {
  const names = new Set<string>()
  const folder = join(ROOT, 'src')
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const found =
        /^(?:import |export |\}).*\bfrom '([^'.][^']*)'|^import '([^'.][^']*)'|\bimport\('([^'.][^']*)'\)/.exec(
          line,
        )
      const text = found?.[1] ?? found?.[2] ?? found?.[3]
      if (text === undefined) continue
      const parts = text.split('/')
      names.add(text.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] as string))
    }
  }
  return names
}

describe('supply chain', () => {
  it('S-83 every package is locked to one version and the hash of its bytes, and comes from the registry', () => {
    expect(installed.length).toBeGreaterThan(100)
    for (const [place, { version, integrity, resolved, link }] of installed) {
      expect(version, place).toMatch(/^\d+\.\d+\.\d+/)
      expect(integrity, place).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
      expect(resolved ?? 'https://registry.npmjs.org/', place).toMatch(/^https:\/\/registry\.npmjs\.org\//)
      expect(link, place).toBeUndefined()
    }
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(range, name).toMatch(/^\d+\.\d+\.\d+$/)
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(range)
    }
  })

  it('S-83 no package may run anything when it is installed, here or in the image', () => {
    expect(read('.npmrc').split('\n')).toContain('ignore-scripts=true')
    expect(read('deploy/Dockerfile')).toContain('npm ci --ignore-scripts')
    // Both bring their binaries along and work without their scripts. A third one has to be looked at first.
    const withScripts = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true)
    expect(withScripts.map(([place]) => place)).toEqual([
      'node_modules/classic-level',
      'node_modules/esbuild',
    ])
  })

  it('S-83 the product depends on what its source imports, and on no more', () => {
    const own = Object.keys(manifest.dependencies)
    const names = imported()
    const foreign = [...names].filter((name) => !name.startsWith('node:') && !builtinModules.includes(name))
    expect(foreign.toSorted()).toEqual(own.toSorted())
    const needed = installed.filter(([, { dev }]) => dev !== true)
    expect(needed.length, 'packages in the image').toBeLessThan(120)
  })
})
