/** Adds one to the number in a file, again and again; with `dies` it is killed the last time, with the lock its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { withFileLock } from './file-lock.js';

const [file = '', times = '0', end = ''] = process.argv.slice(2);

for (let left = Number(times); left > 0; left--)
  await withFileLock(
    file,
    () => {
      writeFileSync(file, String(Number(readFileSync(file, 'utf8')) + 1));
      if (left === 1 && end === 'dies') process.kill(process.pid, 'SIGKILL');
    },
    60_000,
  );
