import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { usableConfig } from '../../../src/app/config/check.ts'
import { COMMANDS } from '../../../src/cli/run.ts'
import { commandWords, readCompose } from '../../interop/support/compose.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const DEPLOY = join(ROOT, 'deploy')
/** What the environment of such a node holds. */
const SECRETS = { RINGBRIDGE_OVERLAY__PASSWORD: 'x', RINGBRIDGE_ADMIN__TOKEN: 'y' }

function yamlFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name))
}

/** Folders that containers mount. */
function inPlace<T>(text: string, check: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-deploy-'))
  try {
    const file = join(folder, 'node.yaml')
    writeFileSync(file, text.replaceAll('/srv/ringbridge/accounts', folder))
    return check(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('example configurations', () => {
  it.each(yamlFiles(join(DEPLOY, 'examples')))('%s passes check-config', (file) => {
    const needsPassword = readFileSync(file, 'utf8').includes('account:')
    const token = { RINGBRIDGE_ADMIN__TOKEN: SECRETS.RINGBRIDGE_ADMIN__TOKEN }
    expect(() => usableConfig(file, needsPassword ? SECRETS : token)).not.toThrow()
  })

  it.each(yamlFiles(join(DEPLOY, 'compose', 'config')))('%s passes check-config', (path) => {
    inPlace(readFileSync(path, 'utf8'), (file) => expect(() => usableConfig(file, SECRETS)).not.toThrow())
  })
})

describe('compose file', () => {
  const { services, secrets, volumes } = readCompose()

  it('has the elements of RFC 7890, Figure 1, each with its own address and configuration', () => {
    const nodes = ['peer-p', 'peer-q', 'peer-r', 'peer-g', 'peer-d', 'peer-e', 'peer-f', 'client-c']
    expect(Object.keys(services)).toEqual(
      expect.arrayContaining([...nodes, 'enroll', 'ua-c', 'ua-d', 'phone', 'prometheus', 'grafana']),
    )
    const addresses = Object.values(services).flatMap(({ networks }) =>
      networks !== undefined && 'overlay' in networks ? [networks.overlay.ipv4_address] : [],
    )
    expect(new Set(addresses).size).toBe(nodes.length + 1)
    const roles = nodes.map((name) => {
      expect(commandWords(services[name]?.command)).toEqual([
        'start',
        '--config',
        `/srv/ringbridge/config/${name}.yaml`,
      ])
      const text = readFileSync(join(DEPLOY, 'compose', 'config', `${name}.yaml`), 'utf8')
      return inPlace(text, (file) => usableConfig(file, SECRETS))
    })
    expect(roles.map(({ sip }) => sip.roles.join(' '))).toEqual([
      'registrar proxy',
      '',
      'registrar redirect',
      ...new Array<string>(5).fill('registrar proxy'),
    ])
    expect(roles.map(({ overlay }) => overlay.role)).toEqual([...new Array<string>(7).fill('peer'), 'client'])
  })

  it('names what is there: commands, secrets that prepare.sh makes, volumes, files', () => {
    const made = readFileSync(join(DEPLOY, 'compose', 'prepare.sh'), 'utf8')
    const users = /for user in ([^;]+);/.exec(made)?.[1]?.split(' ') ?? []
    for (const [name, service] of Object.entries(services)) {
      const [command = ''] = commandWords(service.command)
      if (service.image === 'ringbridge' && service.entrypoint === undefined)
        expect(
          COMMANDS.map((each) => each.name),
          name,
        ).toContain(command)
      for (const secret of service.secrets ?? []) {
        expect(Object.keys(secrets), name).toContain(secret)
        const phone = /^phone-(.*)$/.exec(secret)?.[1]
        if (phone === undefined) expect(made).toContain(secret)
        else expect(users).toContain(phone)
      }
      for (const word of commandWords(service.command))
        if (word.startsWith('/run/secrets/'))
          expect(service.secrets, `${name}: ${word}`).toContain(word.slice('/run/secrets/'.length))
      for (const volume of service.volumes ?? []) {
        const source = volume.split(':')[0] ?? ''
        if (source.startsWith('.')) expect(existsSync(join(DEPLOY, 'compose', source)), source).toBe(true)
        else expect(Object.keys(volumes), name).toContain(source)
      }
      for (const before of Object.keys(service.depends_on ?? {}))
        expect(Object.keys(services)).toContain(before)
    }
  })

  it('runs nodes as the image’s user, on a read-only root, without capabilities', () => {
    for (const [name, service] of Object.entries(services)) {
      if (service.image !== 'ringbridge') continue
      expect(service, name).toMatchObject({
        user: '65532:65532',
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
    }
  })

  it('prepare.sh can be run twice and keeps what it made', async () => {
    const { execFileSync } = await import('node:child_process')
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-prepare-'))
    try {
      cpSync(join(DEPLOY, 'compose', 'prepare.sh'), join(folder, 'prepare.sh'))
      const all = (): Record<string, string> => {
        execFileSync('sh', [join(folder, 'prepare.sh')], { stdio: 'ignore' })
        const names = readdirSync(join(folder, 'secrets'))
        return Object.fromEntries(
          names.map((name) => [name, readFileSync(join(folder, 'secrets', name), 'utf8')]),
        )
      }
      const first = all()
      expect(Object.keys(first).sort()).toEqual(Object.keys(secrets).sort())
      expect(new Set(Object.values(first)).size).toBe(Object.keys(first).length)
      expect(first['users.csv']).toContain(`a,${first['phone-a']}`)
      expect(all()).toEqual(first)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('Dockerfile', () => {
  const text = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8')
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')

  it('copies what is there and what .dockerignore lets through', () => {
    for (const [, sources = ''] of text.matchAll(/^COPY (?!--)(.+) \S+$/gm))
      for (const source of sources.split(' ')) {
        expect(existsSync(join(ROOT, source)), source).toBe(true)
        expect(ignored, source).toContain(`!${source}`)
      }
    expect(ignored).toContain('*')
  })

  it('ends in a stage without a shell, as user 65532, with a health check that is a command of ours', () => {
    const last = text.slice(text.lastIndexOf('\nFROM '))
    expect(last).toMatch(/^\nFROM gcr\.io\/distroless\//)
    expect(last).not.toMatch(/^RUN /m)
    expect(last).toMatch(/^USER 65532:65532$/m)
    const [, check = ''] = /HEALTHCHECK[^[]*(\[.*\])/.exec(last) ?? []
    const [, entry = ''] = /ENTRYPOINT (\[.*\])/.exec(last) ?? []
    const [program, script, command] = JSON.parse(check) as string[]
    expect([program, script]).toEqual(JSON.parse(entry))
    expect(COMMANDS.map(({ name }) => name)).toContain(command)
  })
})

describe('systemd unit', () => {
  const unit = readFileSync(join(DEPLOY, 'systemd', 'ringbridge.service'), 'utf8')

  it('is what spec and operators expect: exec, HUP, its own user and state, nothing else writable', () => {
    for (const line of [
      'Type=exec',
      'ExecReload=/bin/kill -HUP $MAINPID',
      'DynamicUser=yes',
      'StateDirectory=ringbridge',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'AmbientCapabilities=',
      'Restart=on-failure',
      'LimitNOFILE=65536',
    ])
      expect(unit.split('\n'), line).toContain(line)
    // A fault in the configuration is exit code 2.
    expect(unit).toContain('RestartPreventExitStatus=2')
    // systemd asks that of the main process alone: what fails before it is started again for ever.
    expect(unit).not.toMatch(/^ExecStartPre=/m)
  })
})

describe('scripts', () => {
  it('may be executed', () => {
    for (const name of ['compose/prepare.sh', 'examples/school-lan/document.sh'])
      expect(statSync(join(DEPLOY, name)).mode & 0o111, name).not.toBe(0)
  })
})
