import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const noPackage = (names, message) => ({ group: names, message });
const onlyIn = {
  nats: noPackage(
    ['nats', 'msgpackr'],
    'nats and msgpackr belong to bus, spool and nats-server (README, layout).',
  ),
  pino: noPackage(['pino'], 'pino belongs to runtime.'),
  io: noPackage(
    ['node:net', 'node:tls', 'node:dns', 'node:dns/*', 'node:fs', 'node:fs/*'],
    'core libraries do no I/O.',
  ),
};
const restrict = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  {
    ignores: ['**/dist/**', '**/node_modules/**', 'var/**', '.nx/**', 'vitest.config.ts', 'test/fixtures/**'],
  },
  ...tseslint.configs.strictTypeChecked.map((c) => ({ ...c, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allow: [],
          enforceBuildableLibDependency: false,
          depConstraints: [
            { sourceTag: 'type:core', onlyDependOnLibsWithTags: ['type:core'] },
            { sourceTag: 'type:protocol', onlyDependOnLibsWithTags: ['type:core'] },
            {
              sourceTag: 'type:adapter',
              onlyDependOnLibsWithTags: ['type:adapter', 'type:protocol', 'type:core'],
            },
            {
              sourceTag: 'type:testing',
              onlyDependOnLibsWithTags: ['type:adapter', 'type:protocol', 'type:core', 'type:testing'],
            },
            {
              sourceTag: 'type:service',
              onlyDependOnLibsWithTags: ['type:protocol', 'type:adapter', 'type:core', 'type:testing'],
            },
            // The one project that may import services: conformance starts smtp-ingress in its own process, with a
            // spool and a bus that the test holds.
            {
              sourceTag: 'type:test',
              onlyDependOnLibsWithTags: [
                'type:protocol',
                'type:adapter',
                'type:core',
                'type:testing',
                'type:service',
              ],
            },
          ],
        },
      ],
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', { max: 4 }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      ...restrict(onlyIn.nats, onlyIn.pino),
    },
  },
  { files: ['libs/{bus,spool,nats-server}/**/*.ts'], rules: restrict(onlyIn.pino) },
  { files: ['libs/runtime/**/*.ts'], rules: restrict(onlyIn.nats) },
  { files: ['libs/{smtp,mail,actor}/src/**/*.ts'], rules: restrict(onlyIn.nats, onlyIn.pino, onlyIn.io) },
  // Real clients stand beside our own in tests: the nats package speaks to the real server there.
  {
    files: ['test/**/*.ts', 'libs/testing/**/*.ts', '**/*.spec.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['**/*.spec.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  prettier,
);
