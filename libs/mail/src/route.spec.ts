import { expect, test } from 'vitest';
import { decideRoute, parseRouteTarget, type RouteTargets, type Routing } from './route.js';

test.each([
  ['smtp://mx.example.org:2526', { via: 'smtp', host: 'mx.example.org', port: 2526 }],
  ['smtp://mx.example.org', { via: 'smtp', host: 'mx.example.org', port: 25 }],
  ['smtp://[2001:db8::1]:26', { via: 'smtp', host: '2001:db8::1', port: 26 }],
  ['lmtp://127.0.0.1:24', { via: 'lmtp', host: '127.0.0.1', port: 24 }],
  ['mx', { via: 'mx' }],
  ['mx:Other.Example', { via: 'mx', domain: 'other.example' }],
  ['maildir:/var/mail', { via: 'maildir', folder: '/var/mail' }],
  ['discard:', { via: 'discard' }],
  ['fail:moved away', { via: 'fail', text: 'moved away' }],
])('%s', (text, target) => {
  expect(parseRouteTarget(text)).toEqual(target);
});

test.each(['smtp:host', 'smtp://', 'smtp://host:0', 'smtp://host:70000', 'maildir:', 'ftp://host', ''])(
  '%j is no target',
  (text) => {
    expect(parseRouteTarget(text)).toHaveProperty('error');
  },
);

const hop = (host: string): RouteTargets => [{ via: 'smtp', host, port: 25 }];
const routing: Routing = {
  localDomains: ['localhost', 'here.example'],
  localTarget: { via: 'maildir', folder: '/mail' },
  routes: new Map([
    ['*', hop('star')],
    ['.example', hop('suffix')],
    ['.deep.example', hop('longer')],
    ['exact.example', hop('exact')],
    ['here.example', hop('never')],
  ]),
};

test.each([
  ['here.example', 'local.domains'],
  ['exact.example', 'exact.example'],
  ['a.deep.example', '.deep.example'],
  ['deep.example', '.example'],
  ['other.test', '*'],
  ['[192.0.2.1]', '*'],
])('%s goes by %s', (domain, rule) => {
  expect(decideRoute(domain, routing).rule).toBe(rule);
});

test('without a rule it goes by MX', () => {
  expect(decideRoute('other.test', { ...routing, routes: new Map() })).toEqual({
    rule: 'default',
    targets: [{ via: 'mx' }],
  });
});
