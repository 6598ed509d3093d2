/** The OpenAPI document as a page that needs no script. */

type Json = Record<string, unknown>

interface Operation {
  readonly summary: string
  readonly tags: readonly string[]
  readonly security?: unknown
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly description: string
    readonly required: boolean
    readonly schema: Json
  }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema?: Json }> }
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema?: Json }> }
  >
}

export function docsPage(document: Json): string {
  const info = document['info'] as { title: string; version: string; description: string }
  const operations = Object.entries(document['paths'] as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = [...new Set(operations.map(({ operation }) => operation.tags[0] ?? ''))]
  const sections = tags.map(
    (tag) =>
      `<h2>${escaped(tag)}</h2>${operations
        .filter(({ operation }) => operation.tags[0] === tag)
        .map(({ path, method, operation }) => operationHtml(path, method, operation))
        .join('')}`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
</head>
<body class="docs">
<main>
<h1>${escaped(info.title)}</h1>
<p>Version ${escaped(info.version)}. ${inline(info.description)} <a href="/api/docs/openapi.json">OpenAPI document</a> · <a href="/">admin page</a></p>
${sections.join('\n')}
</main>
</body>
</html>
`
}

function operationHtml(path: string, method: string, operation: Operation): string {
  const parameters = operation.parameters.map(
    ({ name, in: place, description, required }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${place}${required ? '' : ', optional'}</td><td>${escaped(description)}</td></tr>`,
  )
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema
  const answers = Object.entries(operation.responses).map(([status, { description, content }]) => {
    const media = Object.entries(content ?? {})
    const [, main] = media[0] ?? []
    const schema = main?.schema === undefined || '$ref' in main.schema ? '' : schemaHtml(main.schema)
    const other = media
      .filter(([type]) => type !== 'application/json')
      .map(([type]) => ` <code>${escaped(type)}</code>`)
      .join('')
    return `<dt>${status}</dt><dd>${escaped(description)}${other}${schema}</dd>`
  })
  return `<details class="operation"><summary><b>${method.toUpperCase()}</b> <code>${escaped(path)}</code> <span>${escaped(operation.summary)}</span></summary>
${parameters.length === 0 ? '' : `<table><tbody>${parameters.join('')}</tbody></table>`}
${body === undefined ? '' : `<p>Body:</p>${schemaHtml(body)}`}
<dl>${answers.join('')}</dl></details>`
}

function schemaHtml(schema: Json): string {
  return `<details><summary>schema</summary><pre>${escaped(JSON.stringify(schema, undefined, 2))}</pre></details>`
}

/** \`code\` in a description. */
function inline(text: string): string {
  return escaped(text).replace(/`([^`]*)`/g, '<code>$1</code>')
}

export function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
