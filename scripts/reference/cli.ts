/** docs/reference/cli.md: the help of every subcommand. */
import { COMMANDS } from '../../src/cli/run.ts'

export async function cliReference(): Promise<string> {
  const list = COMMANDS.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${summary} |`)
  const parts: string[] = []
  for (const { name, load } of COMMANDS)
    parts.push(`## ${name}\n\n\`\`\`text\n${(await load()).help.trim()}\n\`\`\``)
  return `# Command line

<!-- Made from the \`--help\` of each subcommand by \`npm run docs:reference\`. Do not edit. -->

\`ringbridge COMMAND\`, in a checkout \`npx ringbridge COMMAND\`. Exit codes: 0 done, 1 failed while running, 2 bad usage or configuration.

| command | does |
|---|---|
${list.join('\n')}

${parts.join('\n\n')}
`
}
