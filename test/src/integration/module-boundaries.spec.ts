/** The module boundaries bite: each forbidden import of the fixtures is found, the allowed one is not. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const fixtures = `${root}test/fixtures/module-boundaries/`;
const boundaryRules = ['@nx/enforce-module-boundaries', 'no-restricted-imports'];

const expected: readonly (readonly [fixture: string, rule: string | undefined])[] = [
  ['service-imports-service', '@nx/enforce-module-boundaries'],
  ['testing-imports-service', '@nx/enforce-module-boundaries'],
  ['core-imports-adapter', '@nx/enforce-module-boundaries'],
  ['protocol-imports-adapter', '@nx/enforce-module-boundaries'],
  ['adapter-imports-testing', '@nx/enforce-module-boundaries'],
  ['core-does-io', 'no-restricted-imports'],
  ['service-imports-nats', 'no-restricted-imports'],
  ['service-imports-pino', 'no-restricted-imports'],
  ['service-imports-protocol', undefined],
  ['test-imports-service', undefined],
];

beforeAll(() => {
  // The rule reads the project graph that Nx keeps; without one it lets everything pass.
  execFileSync('npx', ['nx', 'show', 'projects', '--json'], { cwd: root, stdio: 'pipe' });
});

/** The project's own rules about imports, as they hold at `path`, without those that need types. */
async function rulesAt(path: string): Promise<Linter.RulesRecord> {
  const config = (await new ESLint({ cwd: root }).calculateConfigForFile(path)) as {
    rules: Linter.RulesRecord;
  };
  return Object.fromEntries(
    boundaryRules.flatMap((rule) => (config.rules[rule] ? [[rule, config.rules[rule]]] : [])),
  );
}

test('every fixture is expected', () => {
  const files = readdirSync(fixtures).filter((file) => file.endsWith('.ts'));
  expect(files.sort()).toEqual(expected.map(([fixture]) => `${fixture}.ts`).sort());
});

test.each(expected)('%s: %s', async (fixture, rule) => {
  const code = readFileSync(`${fixtures}${fixture}.ts`, 'utf8');
  const filePath = root + (/^\/\/ at: (.+)$/m.exec(code)?.[1] ?? '');
  const plugin: unknown = (await import('@nx/eslint-plugin')).default;
  const eslint = new ESLint({
    cwd: root,
    overrideConfigFile: true,
    overrideConfig: [
      {
        files: ['**/*.ts'],
        languageOptions: { parser: tseslint.parser },
        plugins: { '@nx': plugin as ESLint.Plugin },
        rules: await rulesAt(filePath),
      },
    ],
  });
  const [result] = await eslint.lintText(code, { filePath });
  expect(result?.messages.map((message) => message.ruleId)).toEqual(rule === undefined ? [] : [rule]);
});
