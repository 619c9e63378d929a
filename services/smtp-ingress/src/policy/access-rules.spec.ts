import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decidingRule, type AccessFacts } from '@postrider/mail';
import { configSchema } from '@postrider/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ingressOfTest } from '../spec/ingress-of-test.js';
import { AccessRules } from './access-rules.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-access-'));
  file = join(folder, 'access');
});
afterEach(() => rmSync(folder, { recursive: true }));

const facts = {
  client: '192.0.2.7',
  helo: 'x',
  listener: 'mx',
  tls: false,
  from: 'a@b.test',
  to: 'c@d.test',
};

const decide = ({ inForce: { beforeName, fromName } }: AccessRules, given: AccessFacts) =>
  decidingRule([...beforeName, ...fromName], given);

test('rules of the configuration, then of the file; a bad file leaves the old rules', () => {
  const { log, faults } = ingressOfTest();
  writeFileSync(file, '# ours\n\nclient=192.0.2.0/24 relay\nreject\n');
  const access = configSchema.parse({ access: { rules: ['from=@bad.test reject'], file } }).access;
  const rules = new AccessRules(access, log);
  const texts = (): readonly (string | undefined)[] =>
    [facts, { ...facts, from: 'x@bad.test' }, { ...facts, client: '::1' }].map(
      (each) => decide(rules, each)?.text,
    );
  expect(texts()).toEqual(['client=192.0.2.0/24 relay', 'from=@bad.test reject', 'reject']);
  writeFileSync(file, 'client=192.0.2.0/24 relay\nnonsense here\n');
  rules.reload();
  expect(texts()).toEqual(['client=192.0.2.0/24 relay', 'from=@bad.test reject', 'reject']);
  expect(JSON.stringify(faults)).toContain(`${file}:2: 'nonsense here' is no action`);
  writeFileSync(file, 'client=192.0.2.7 discard\n');
  rules.reload();
  expect(texts()).toEqual(['client=192.0.2.7 discard', 'from=@bad.test reject', undefined]);
  rules.stop();
});

test('a start with a bad file, or without it, says so', () => {
  const { log } = ingressOfTest();
  const access = configSchema.parse({ access: { file } }).access;
  expect(() => new AccessRules(access, log)).toThrow('access.file: ENOENT');
  writeFileSync(file, 'from=x reject');
  expect(() => new AccessRules(access, log)).toThrow(`${file}:1: 'x' is no value for from=`);
});

test('without rules none decides', () => {
  const rules = new AccessRules(configSchema.parse({}).access, ingressOfTest().log);
  expect(rules.areThere).toBe(false);
  expect(decide(rules, facts)).toBeUndefined();
});

test('those from the first that asks for the name on stand apart', () => {
  const texts = ['from=@a.test reject', 'from=@b.test reject', 'name=- hold', 'reject'];
  const halves = (...own: readonly string[]): readonly (readonly string[])[] => {
    const { access } = configSchema.parse({ access: { rules: own } });
    const { beforeName, fromName } = new AccessRules(access, ingressOfTest().log).inForce;
    return [beforeName, fromName].map((rules) => rules.map(({ text }) => text));
  };
  expect(halves(...texts)).toEqual([texts.slice(0, 2), texts.slice(2)]);
  expect(halves(...texts.slice(0, 2))).toEqual([texts.slice(0, 2), []]);
  expect(halves(...texts.slice(2))).toEqual([[], texts.slice(2)]);
});
