import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { usableConfig } from '../../../src/app/config/check.ts'
import type { Config } from '../../../src/app/config/schema.ts'
import { COMMANDS } from '../../../src/cli/run.ts'
import {
  CHART,
  chartYaml,
  manifests,
  renderedFiles,
  templateFiles,
  valuesWith,
  type Manifest,
} from '../../support/chart.ts'

const BASE = { overlay: { name: 'voice.example.com' }, users: { existingSecret: 'users' } }
const AUTHORITY = { ...BASE, identity: { existingSecret: 'authority' } }
const ENROLL = {
  ...BASE,
  identity: {
    enrollmentUrl: 'https://enroll.example.com:8443/.well-known/reload-config',
    account: 'k8s',
    passwordSecret: { name: 'password' },
    caConfigMap: 'ca',
  },
}
const SELF_SIGNED = { ...BASE, identity: { selfSigned: { enabled: true, documentConfigMap: 'document' } } }
const EVERYTHING = {
  ...AUTHORITY,
  sip: { domains: ['example.com'] },
  config: { limits: { flows: 50 }, sip: { maxForks: 3 } },
  service: {
    type: 'LoadBalancer',
    annotations: { a: 'b' },
    perPod: { type: 'LoadBalancer', annotations: { a: 'b' } },
  },
  advertisedAddress: { map: { 'ringbridge-0': '192.0.2.10' } },
  networkPolicy: {
    enabled: true,
    sipFrom: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
    peersFrom: [{ ipBlock: { cidr: '192.0.2.0/24' } }],
  },
  metrics: {
    serviceMonitor: { enabled: true, labels: { release: 'x' } },
    podMonitor: { enabled: true },
    prometheusRule: { enabled: true },
  },
  grafana: { dashboards: { enabled: true } },
  test: { existingSecret: 'passwords', caller: 'alice', callee: 'bob' },
  persistence: { storageClass: 'fast' },
  priorityClassName: 'high',
  nodeSelector: { a: 'b' },
  tolerations: [{ key: 'a', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  extraEnv: [{ name: 'A', value: 'b' }],
  extraVolumes: [{ name: 'x', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'x', mountPath: '/x' }],
  podAnnotations: { a: 'b' },
  podLabels: { a: 'b' },
  lifecycle: { preStop: { exec: { command: ['/nodejs/bin/node'] } } },
  imagePullSecrets: [{ name: 'x' }],
  image: { registry: 'registry.example.com', digest: `sha256:${'0'.repeat(64)}` },
}
const WAYS = {
  authority: AUTHORITY,
  enroll: ENROLL,
  'self-signed': SELF_SIGNED,
  everything: EVERYTHING,
  'plain peers': { ...AUTHORITY, sip: { roles: [] } },
  'no persistence, host network, one replica': {
    ...AUTHORITY,
    replicaCount: 1,
    persistence: { enabled: false },
    hostNetwork: true,
    advertisedAddress: { fromNode: true },
    service: { perPod: { enabled: false } },
    podDisruptionBudget: { enabled: false },
    topologySpreadConstraints: { enabled: false },
    serviceAccount: { create: false },
  },
}

const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as never)

interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly ports: readonly {
    readonly name: string
    readonly containerPort: number
    readonly protocol?: string
  }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly securityContext: object
}

interface PodSpec {
  readonly containers: readonly [Container]
  readonly initContainers?: readonly [Container]
  readonly volumes: readonly {
    readonly name: string
    readonly configMap?: { name: string }
    readonly secret?: { secretName: string }
  }[]
  readonly serviceAccountName?: string
  readonly dnsPolicy: string
  readonly hostNetwork?: boolean
  readonly enableServiceLinks: boolean
}

interface StatefulSetSpec {
  readonly replicas: number
  readonly serviceName: string
  readonly podManagementPolicy: string
  readonly selector: { readonly matchLabels: Record<string, string> }
  readonly template: {
    readonly metadata: { readonly labels: Record<string, string> }
    readonly spec: PodSpec
  }
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
}

function only(all: readonly Manifest[], kind: string): Manifest {
  const found = all.filter((each) => each.kind === kind)
  expect(found, kind).toHaveLength(1)
  return found[0] as Manifest
}

function statefulSet(all: readonly Manifest[]): StatefulSetSpec {
  return only(all, 'StatefulSet').spec as unknown as StatefulSetSpec
}

/** Configurations of the pods, with the environment that the chart gives them, as check-config sees them. */
function podConfigs(all: readonly Manifest[]): Config[] {
  const { replicas, template } = statefulSet(all)
  const [container] = template.spec.containers
  const map = all.find(
    (each) => each.kind === 'ConfigMap' && each.metadata.name.endsWith('-config'),
  ) as Manifest
  const environment: Record<string, string> = {}
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-chart-'))
  try {
    mkdirSync(join(folder, 'users'))
    for (const { name, value } of container.env) {
      if (name.endsWith('_FILE')) {
        writeFileSync(join(folder, name), 'ab'.repeat(32))
        environment[name] = join(folder, name)
        const mounted = container.volumeMounts.some(({ mountPath }) => value?.startsWith(`${mountPath}/`))
        expect(mounted, `${name}: ${value}`).toBe(true)
      } else if (name.startsWith('RINGBRIDGE_')) environment[name] = value ?? '10.1.2.3'
    }
    return Array.from({ length: replicas }, (_, index) => {
      const pod = `${only(all, 'StatefulSet').metadata.name}-${index}`
      const file = join(folder, 'node.yaml')
      const text = map.data[`${pod}.yaml`]
      if (text === undefined) throw new Error(`no configuration for ${pod}`)
      writeFileSync(file, text.replace('/srv/ringbridge/users', join(folder, 'users')))
      return usableConfig(file, environment)
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe.each(Object.entries(WAYS))('chart: %s', (_, values) => {
  const all = manifests(values)

  it('values pass their schema', () => {
    expect(() => schema.parse(valuesWith(values))).not.toThrow()
  })

  it('every pod gets a configuration that check-config takes', () => {
    for (const config of podConfigs(all)) {
      expect(config.overlay.name).toBe('voice.example.com')
      expect(config.overlay.bootstrap).toEqual(['ringbridge-peers.voice.svc.cluster.local:6084'])
      expect(config.data.dir).toBe('/srv/ringbridge/data')
    }
  })

  it('addresses that phones are to use restart the pods, each of which has its own', () => {
    const annotations = (more: object): unknown =>
      statefulSet(manifests({ ...values, ...more })).template.metadata
    const map = { 'ringbridge-1': '192.0.2.11' }
    expect(annotations({ advertisedAddress: { map } })).not.toEqual(annotations({ advertisedAddress: {} }))
    for (const { spec, metadata } of manifests(values).filter(({ kind }) => kind === 'Service'))
      if (/-\d+$/.test(metadata.name)) expect(spec).toMatchObject({ publishNotReadyAddresses: true })
  })

  it('pods are not told of services by variables, which would be read as configuration', () => {
    expect(statefulSet(all).template.spec.enableServiceLinks).toBe(false)
  })

  it('objects have names of their own and the labels of the conventions', () => {
    const names = all.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
    for (const { kind, metadata } of all) {
      expect(metadata.name, kind).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      expect(Object.keys(metadata.labels), metadata.name).toEqual(
        expect.arrayContaining([
          'helm.sh/chart',
          'app.kubernetes.io/name',
          'app.kubernetes.io/instance',
          'app.kubernetes.io/version',
          'app.kubernetes.io/managed-by',
        ]),
      )
    }
  })

  it('selectors find the pods, Services name their ports, mounts have volumes', () => {
    const { selector, template, serviceName, replicas, volumeClaimTemplates = [] } = statefulSet(all)
    const { labels } = template.metadata
    expect(labels).toMatchObject(selector.matchLabels)
    const [container] = template.spec.containers
    const ports = container.ports.map(({ name }) => name)
    for (const { kind, metadata, spec } of all.filter((each) => each.kind === 'Service')) {
      const { selector: wanted, ports: offered } = spec as unknown as {
        selector: Record<string, string>
        ports: { targetPort: string }[]
      }
      const { 'statefulset.kubernetes.io/pod-name': pod, ...rest } = wanted
      expect(labels, metadata.name).toMatchObject(rest)
      if (pod !== undefined)
        expect(Array.from({ length: replicas }, (_, index) => `ringbridge-${index}`)).toContain(pod)
      expect(offered.length, `${kind} ${metadata.name}`).toBeGreaterThan(0)
      for (const { targetPort } of offered) expect(ports, metadata.name).toContain(targetPort)
    }
    const headless = all.find(({ metadata }) => metadata.name === serviceName)
    expect(headless?.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true })
    const volumes = [
      ...template.spec.volumes.map(({ name }) => name),
      ...volumeClaimTemplates.map(({ metadata }) => metadata.name),
    ]
    expect(new Set(volumes).size).toBe(volumes.length)
    for (const each of [container, ...(template.spec.initContainers ?? [])])
      for (const { name } of each.volumeMounts) expect(volumes).toContain(name)
    const made = new Set(all.map(({ kind, metadata }) => `${kind} ${metadata.name}`))
    for (const { configMap, secret } of template.spec.volumes) {
      const own = [configMap?.name, secret?.secretName].find((name) => name?.startsWith('ringbridge'))
      if (own !== undefined)
        expect(made).toContain(`${configMap === undefined ? 'Secret' : 'ConfigMap'} ${own}`)
    }
  })

  it('containers cannot write but to their data, are nobody, and run commands of ours', () => {
    const { template } = statefulSet(all)
    const containers = [...template.spec.containers, ...(template.spec.initContainers ?? [])]
    for (const { securityContext } of containers)
      expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
    expect((template.spec as unknown as { securityContext: object }).securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(COMMANDS.map(({ name }) => name)).toContain(template.spec.containers[0].args[0])
  })

  it('NOTES say what to type into a phone', () => {
    const notes = renderedFiles(values).get('NOTES.txt') ?? ''
    expect(notes).not.toMatch(/<no value>|undefined/)
    if ('sip' in values && 'roles' in values.sip) expect(notes).not.toContain('domain (or realm)')
    else expect(notes).toMatch(/domain \(or realm\) +\S+/)
  })
})

describe('chart', () => {
  it('with everything has every kind of object', () => {
    const kinds = new Set(manifests(EVERYTHING).map(({ kind }) => kind))
    expect([...kinds].sort()).toEqual(
      [
        ...[
          'ConfigMap',
          'NetworkPolicy',
          'Pod',
          'PodDisruptionBudget',
          'PodMonitor',
          'PrometheusRule',
          'Secret',
        ],
        ...['Service', 'ServiceAccount', 'ServiceMonitor', 'StatefulSet'],
      ].sort(),
    )
  })

  it('hands on further keys of the configuration, rules and dashboards as they are', () => {
    const all = manifests(EVERYTHING)
    expect(podConfigs(all)[0]).toMatchObject({
      limits: { flows: 50 },
      sip: { maxForks: 3, domains: ['example.com'] },
    })
    expect(only(all, 'PrometheusRule').spec).toEqual(chartYaml('files/alerts/ringbridge.rules.yaml'))
    const dashboards = all.find(({ metadata }) => metadata.name === 'ringbridge-dashboards') as Manifest
    for (const [name, text] of Object.entries(dashboards.data)) {
      const file = join(CHART, 'files', 'dashboards', name.replace('ringbridge-', ''))
      expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, 'utf8')))
    }
    expect(podConfigs(all).map(({ sip }) => sip.advertise)).toEqual(['192.0.2.10', undefined, undefined])
  })

  it('tests with a call of ringbridge phone through the first and the last pod', () => {
    const pod = only(manifests(EVERYTHING), 'Pod')
    expect(pod.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'test' })
    const [container] = (pod.spec as unknown as PodSpec).containers
    expect(container.args).toEqual([
      ...['phone', 'try', 'alice@example.com', 'bob'],
      ...[
        '--server=ringbridge-0.ringbridge-peers:5060',
        '--callee-server=ringbridge-2.ringbridge-peers:5060',
      ],
      ...['--transport=tcp', '--password-file=/srv/ringbridge/test/caller'],
      '--callee-password-file=/srv/ringbridge/test/callee',
    ])
  })

  it('the pod of helm test is none of the peers: neither Services nor budget nor policies are for it, and a policy lets it through', () => {
    const all = manifests(EVERYTHING)
    const { labels } = only(all, 'Pod').metadata
    const fits = (wanted: object): boolean =>
      Object.entries(wanted).every(([name, value]) => labels[name] === value)
    for (const { kind, metadata, spec } of all) {
      if (kind === 'Pod' || spec === undefined) continue
      const { selector, podSelector } = spec as {
        selector?: { matchLabels?: object }
        podSelector?: { matchLabels: object }
      }
      const wanted = podSelector?.matchLabels ?? selector?.matchLabels ?? selector
      if (wanted !== undefined) expect(fits(wanted), `${kind} ${metadata.name}`).toBe(false)
    }
    const { ingress } = only(all, 'NetworkPolicy').spec as unknown as {
      ingress: { from: { podSelector?: { matchLabels: object } }[] }[]
    }
    expect(
      ingress[0]?.from.some(({ podSelector }) => podSelector !== undefined && fits(podSelector.matchLabels)),
    ).toBe(true)
  })

  it('keeps names within limits, whatever the release is called', () => {
    const long = 'a-release-with-a-name-that-is-longer-than-it-has-any-need-to-be'
    for (const { metadata } of manifests(EVERYTHING, long))
      expect(metadata.name.length).toBeLessThanOrEqual(63)
    expect(only(manifests(AUTHORITY, 'pbx'), 'StatefulSet').metadata.name).toBe('pbx-ringbridge')
  })

  it.each([
    ['no name', { identity: { existingSecret: 'a' } }, /overlay\.name is required/],
    ['no identity', BASE, /identity: set one of/],
    [
      'two identities',
      { ...ENROLL, identity: { ...ENROLL.identity, existingSecret: 'a' } },
      /identity: set one of/,
    ],
    [
      'one claim for three nodes',
      { ...AUTHORITY, replicaCount: 3, persistence: { existingClaim: 'a' } },
      /one claim is one node's data/,
    ],
    ['no account', { ...BASE, identity: { enrollmentUrl: 'https://a' } }, /identity\.account is required/],
  ])('%s is refused with what is missing', (_, values, expected) => {
    expect(() => manifests(values)).toThrow(expected)
  })

  it.each([
    [{ replicaCount: 0 }],
    [{ replicas: 3 }],
    [{ sip: { udp: { enabled: 'yes' } } }],
    [{ overlay: { name: 'not a name' } }],
    [{ service: { type: 'Ingress' } }],
    [{ terminationGracePeriodSeconds: 5 }],
    [{ identity: { enrollmentUrl: 'http://plain' } }],
  ])('values %j do not pass the schema', (values) => {
    expect(() => schema.parse(valuesWith({ ...AUTHORITY, ...values }))).toThrow()
  })

  it('templates name no value that values.yaml does not have, and use all that it has', () => {
    const known = new Set<string>()
    const walk = (tree: unknown, path: string): void => {
      if (path !== '') known.add(path)
      if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) return
      for (const [name, below] of Object.entries(tree)) walk(below, path === '' ? name : `${path}.${name}`)
    }
    walk(chartYaml('values.yaml'), '')
    const used = new Set<string>()
    for (const name of templateFiles()) {
      const text = readFileSync(join(CHART, 'templates', name), 'utf8')
      for (const [, path = ''] of text.matchAll(/(?:\.Values|\$values)\.([\w.]+)/g)) {
        expect(known, `${name}: ${path}`).toContain(path)
        used.add(path)
      }
    }
    const unused = [...known].filter(
      (path) =>
        ![...used].some(
          (each) => each === path || each.startsWith(`${path}.`) || path.startsWith(`${each}.`),
        ),
    )
    expect(unused).toEqual([])
  })
})
