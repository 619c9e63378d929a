/** The part of nats-server's configuration that names the users: public keys and permissions, nothing secret. */
import { natsUsers, permissionsOf, type NatsUser } from './permissions.js';

/** @param publicKeys `UA…`, by user; @returns text to be included in nats-server's configuration */
export function usersFile(publicKeys: Readonly<Record<NatsUser, string>>, shards: readonly string[]): string {
  const users = natsUsers.flatMap((user) => {
    const { publish, subscribe, answers } = permissionsOf(user, shards);
    return [
      `    # ${user}`,
      '    {',
      `      nkey: ${publicKeys[user]}`,
      '      permissions: {',
      `        publish: { allow: ${list(publish)} }`,
      `        subscribe: { allow: ${list(subscribe)} }`,
      ...(answers ? ['        allow_responses: { max: 1, expires: "1m" }'] : []),
      '      }',
      '    }',
    ];
  });
  return `${['authorization {', '  users: [', ...users, '  ]', '}'].join('\n')}\n`;
}

const list = (subjects: readonly string[]): string =>
  `[\n${subjects.map((subject) => `          ${JSON.stringify(subject)}`).join('\n')}\n        ]`;
