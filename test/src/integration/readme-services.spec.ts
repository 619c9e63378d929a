/** What the READMEs name is there: subjects, files, projects, environment variables, npm scripts. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { addressOf, isWithin } from '@postrider/bus';
import * as protocols from '@postrider/protocol';
import { subjects } from '@postrider/spool';
import { expect, test } from 'vitest';
import { codeIn, projects, readText, readmes, root, rowsOf, section } from './readme-parts.js';

const services = readText('services/README.md');

/** `<s>` and the like stand for one token. */
const pattern = (subject: string): string => subject.replaceAll(/<[a-z]+>/g, '*');

/** A row may shorten what follows its first subject: `mta.v1.spool.<s>.segment`, `.outcome`. */
const documented = rowsOf(section(services, 'Subjects')).flatMap(([cell = '']) => {
  const [first = '', ...more] = codeIn(cell);
  const parent = first.slice(0, first.lastIndexOf('.'));
  return [first, ...more.map((name) => (name.startsWith('.') ? parent + name : name))].map(pattern);
});

const keyOfTest = 'k';
const actorSubjects = Object.values(protocols).flatMap((protocol) => {
  if (typeof protocol !== 'object' || !('placement' in protocol)) return [];
  const address = addressOf(protocol, protocol.placement === 'keyed' ? keyOfTest : undefined);
  return Object.keys(protocol.messages).map((message) => `${address}.${message}`);
});
const spoolSubjects = [
  subjects.segment('0'),
  subjects.outcome('0'),
  subjects.state('0'),
  subjects.deferContent('0'),
  subjects.chunk('0', 'id', 1),
];
const told = [
  protocols.eventSubject('smtp-ingress', 'accepted'),
  protocols.statusSubject('smtp-ingress', 'i'),
];
/** NATS's own (ADR-32). */
const ofNats = ['$SRV.PING'];
const all = [...actorSubjects, ...spoolSubjects, ...told, ...ofNats];

test.each(all)('%s is in the table of subjects', (subject) => {
  expect(documented.some((each) => isWithin(subject, each))).toBe(true);
});

test.each(documented)('%s is a subject that there is', (each) => {
  expect(all.some((subject) => isWithin(subject, each))).toBe(true);
});

test('the services that speak are the services that events come from', () => {
  for (const name of protocols.serviceNames) expect(projects).toContain(`services/${name}`);
});

test.each(projects)('%s has a README', (project) => {
  expect(existsSync(`${root}${project}/README.md`)).toBe(true);
});

/** A name that begins with no project counts from `src` of the first project in its step. */
function filesOf(step: string): readonly string[] {
  const names = codeIn(step).filter(
    (code) => /^[a-z][\w-]*(?:\/[\w.-]*)*$/.test(code) && /\/|\.ts$/.test(code),
  );
  const full = (name: string): string | undefined =>
    projects.some((project) => name.startsWith(`${project}/`))
      ? name
      : projects.includes(`services/${name.split('/')[0] ?? ''}`)
        ? `services/${name}`
        : undefined;
  const home =
    names
      .map(full)
      .find((name) => name !== undefined)
      ?.split('/')
      .slice(0, 2)
      .join('/') ?? '';
  return names.map((name) => full(name) ?? `${home}/src/${name}`);
}

const steps = section(services, 'The way of one mail')
  .split(/^\d+\. /m)
  .slice(1);

test.each(steps.flatMap(filesOf))('%s, on the way of one mail, is there', (path) => {
  expect(existsSync(root + path)).toBe(true);
});

test('the way of one mail has steps, each with files', () => {
  expect(steps.length).toBeGreaterThan(5);
  for (const step of steps) expect(filesOf(step)).not.toEqual([]);
});

test.each(projects)('files that the README of %s names are there', (project) => {
  const path = `${root}${project}/README.md`;
  const inside = readdirSync(`${root}${project}/src`, { recursive: true, encoding: 'utf8' });
  const sources = codeIn(readFileSync(path, 'utf8')).filter((code) => /^[a-z][a-z/-]*\.ts$/.test(code));
  for (const name of sources)
    expect(
      inside.some((file) => file === name || file.endsWith(`/${name}`)) || existsSync(root + name),
      name,
    ).toBe(true);
});

const sources = projects
  .flatMap((project) =>
    readdirSync(`${root}${project}/src`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/\.(?:spec|fixture)\.ts$/.test(file))
      .map((file) => readText(`${project}/src/${file}`)),
  )
  .join('\n');

test('environment variables that READMEs name are read', () => {
  const named = new Set(readmes.flatMap((path) => readText(path).match(/\bPOSTRIDER_[A-Z][A-Z_]*/g) ?? []));
  expect(named).toContain('POSTRIDER_CONFIG');
  for (const name of named) expect(sources).toContain(`['${name}']`);
});

test('npm scripts that READMEs name are there', () => {
  const { scripts } = JSON.parse(readText('package.json')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = readmes.flatMap((path) =>
    [...readText(path).matchAll(/\bnpm (?:run )?(start|test|(?<=run )[a-z]+)/g)].map(([, name = '']) => name),
  );
  expect(named).toContain('demo');
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
});
