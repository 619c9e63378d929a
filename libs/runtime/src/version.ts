/** Version of Postrider: one for all packages. */
import { readFileSync } from 'node:fs';

const description = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

export const version: string = description.version;
