import { expect, test } from 'vitest';
import { mirrorIn } from './apt-sources.js';

const mirror = 'http://mirror.example/debian';

test.each([
  [`deb ${mirror} bookworm main\n`, mirror],
  [`deb [signed-by=/k.gpg arch=amd64] ${mirror}/ bookworm main contrib # ours\n`, `${mirror}/`],
  [`# deb ${mirror} bookworm main\n`, undefined],
  [`deb-src ${mirror} bookworm main\n`, undefined],
  [`deb ${mirror}-security bookworm-security main\n`, undefined],
  [`deb ${mirror} bookworm contrib\n`, undefined],
  ['deb https://tools.example/apt stable main\n', undefined],
  ['deb file:/srv/debian bookworm main\n', undefined],
])('one-line: %j', (text, expected) => {
  expect(mirrorIn(text, 'one-line')).toBe(expected);
});

test.each([
  [`Types: deb\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\n`, mirror],
  [`Types: deb deb-src\n# a comment\nURIs: ${mirror}\nSuites: sid\nComponents: contrib main\n`, mirror],
  [`Types: deb\nURIs:\n http://other.example/ubuntu\n ${mirror}\nSuites: sid\nComponents: main\n`, mirror],
  [`Enabled: no\nTypes: deb\nURIs: ${mirror}\nSuites: sid\nComponents: main\n`, undefined],
  [`Types: deb-src\nURIs: ${mirror}\nSuites: sid\nComponents: main\n`, undefined],
  [
    `Types: deb\nURIs: ${mirror}-security\nSuites: x\nComponents: main\n\nTypes: deb\nURIs: ${mirror}\nSuites: y\nComponents: main\n`,
    mirror,
  ],
])('deb822: %j', (text, expected) => {
  expect(mirrorIn(text, 'deb822')).toBe(expected);
});
