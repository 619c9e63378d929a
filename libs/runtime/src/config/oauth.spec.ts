import { expect, test } from 'vitest';
import { ConfigError, loadConfig } from './load.js';

const good = { issuer: 'https://id.example', audience: '[mail]', jwks_url: 'https://id.example/jwks' };

function problems(settings: Readonly<Record<string, string>>): string {
  const flags = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`oauth.${key}`, value]));
  try {
    loadConfig({ flags, cwd: '/srv' });
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
}

test.each<[Readonly<Record<string, string>>]>([
  [{}],
  [good],
  [{ ...good, jwks_url: 'http://127.0.0.1:8080/jwks' }],
  [{ issuer: 'x', audience: '[mail]', jwks_file: 'jwks.json' }],
])('%j is good', (settings) => {
  expect(problems(settings)).toBe('');
});

test.each<[Readonly<Record<string, string>>, RegExp]>([
  [{ ...good, issuer: '""' }, /oauth\.issuer: is missing/],
  [{ ...good, audience: '[]' }, /oauth\.audience: is missing/],
  [{ ...good, jwks_url: '""' }, /oauth\.jwks_file: set either/],
  [{ ...good, jwks_file: 'jwks.json' }, /oauth\.jwks_file: set either/],
  [{ ...good, jwks_url: 'http://id.example/jwks' }, /oauth\.jwks_url: must be https/],
  [{ ...good, jwks_url: 'nothing' }, /oauth\.jwks_url: must be https/],
])('%j: %s', (settings, text) => {
  expect(problems(settings)).toMatch(text);
});
