/** Which values are paths: those count from the folder of the file that sets them, else from the working directory. */
import { resolve } from 'node:path';

const pathKeys = new Set([
  'data_dir',
  'nats.creds_file',
  'nats.nkey_file',
  'nats.ca_file',
  'users.file',
  'oauth.jwks_file',
  'outbound.ca_file',
  'access.file',
  'outbound.proxy_password_file',
]);
/** `sni` names are domains, so that there are dots in them. */
const listenerFiles = /^listeners\.[^.]+\.tls\.(?:sni\..+\.)?(?:certificate|key)_file$/;
const listsOfPaths = new Set(['aliases.files']);
const maildir = 'maildir:';

/** @returns the value with every path in it absolute; whatever has another form is left for the schema to refuse */
export function withAbsolutePaths(path: readonly string[], value: unknown, folder: string): unknown {
  const name = path.join('.');
  const absolute = (text: unknown): unknown =>
    typeof text === 'string' && text !== '' ? resolve(folder, text) : text;
  if (pathKeys.has(name) || listenerFiles.test(name)) return absolute(value);
  if (listsOfPaths.has(name)) return Array.isArray(value) ? value.map(absolute) : value;
  if (name === 'local.deliver' || path[0] === 'routes')
    return Array.isArray(value)
      ? value.map((target) => absoluteTarget(target, folder))
      : absoluteTarget(value, folder);
  return value;
}

function absoluteTarget(target: unknown, folder: string): unknown {
  if (typeof target !== 'string' || !target.startsWith(maildir) || target === maildir) return target;
  return maildir + resolve(folder, target.slice(maildir.length));
}
