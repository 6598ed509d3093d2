import tseslint from 'typescript-eslint'

/** Folders whose files may touch the world: sockets, disks, clocks, processes. Everything else is a plain machine. */
const SHELLS = [
  'src/**/io/**',
  'src/admin/**',
  'src/app/**',
  'src/cli/**',
  'src/metrics/**',
  'src/enrollment/http/**',
]

/** What a machine must be told instead of asking for it. */
const WORLD = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'process',
  'crypto',
]

export default tseslint.config(
  { ignores: ['dist/**', 'build/**', 'node_modules/**', 'data/**', 'coverage/**', '**/*.cjs', '**/*.mjs'] },
  ...tseslint.configs.strict,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'named exports only' },
        { selector: 'TSEnumDeclaration', message: 'use a const object' },
      ],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: SHELLS,
    rules: {
      'no-restricted-globals': [
        'error',
        ...WORLD.map((name) => ({ name, message: 'cores are told; shells (io/, app, cli, admin) ask' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'randomness is an argument (common/random.ts)' },
        { property: 'localeCompare', message: 'order must not depend on the locale' },
        { property: 'toLocaleString', message: 'output must not depend on the locale' },
        { property: 'toLocaleLowerCase', message: 'output must not depend on the locale' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:crypto',
              importNames: ['randomBytes', 'randomUUID', 'randomInt', 'webcrypto', 'randomFillSync'],
            },
          ],
        },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'named exports only' },
        { selector: 'TSEnumDeclaration', message: 'use a const object' },
        { selector: ':function[async=true]', message: 'machines are synchronous; async is for shells' },
        { selector: 'AwaitExpression', message: 'machines are synchronous; async is for shells' },
      ],
    },
  },
  // Vitest wants its configuration as the default export.
  { files: ['vitest.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['test/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
    },
  },
)
