/** docs/reference/metrics.md: the catalogue of src/metrics/names.ts. */
import { METRICS, type MetricDefinition } from '../../src/metrics/names.ts'

export function metricsReference(): string {
  const rows = Object.values<MetricDefinition>(METRICS).map(
    (metric) => `| \`${metric.name}\` | ${metric.type} | ${labels(metric)} | ${metric.help} |`,
  )
  return `# Metrics

<!-- Made from src/metrics/names.ts by \`npm run docs:reference\`. Do not edit. -->

\`GET /metrics\` on the admin port, Prometheus text. Every series listed here exists from the start with value 0; other label values appear
when they happen. No series is labelled with an AOR, a Call-ID, a remote address or a foreign Node-ID. The standard \`process_*\` and
\`nodejs_*\` metrics are there too. Dashboards and alert rules that use these: [helm/ringbridge/files](../../helm/ringbridge/files).

Histograms in seconds have the bounds .005 … 32, so that retransmissions and Timer B show; \`_hops\` and \`_branches\` 0 … 16.

| metric | type | labels and their values from the start | meaning |
|---|---|---|---|
${rows.join('\n')}
`
}

function labels({ labels: names, initial }: MetricDefinition): string {
  return names
    .map((name, index) => {
      const values = [...new Set(initial.map((set) => set.split('|')[index] ?? ''))]
      return values.length === 0 ? `\`${name}\`` : `\`${name}\`: ${values.join(' ')}`
    })
    .join('; ')
}
