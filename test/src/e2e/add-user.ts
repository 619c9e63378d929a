import { runCommand, type RunningPostrider } from '../running-postrider.js';
import { until } from './maildirs.js';

/** `postrider users add`, and smtp-ingress has read of it. @param flags of the command */
export async function addUser(
  postrider: RunningPostrider,
  name: string,
  password: string,
  ...flags: readonly string[]
): Promise<void> {
  const readings = (): number => postrider.output().split('users read').length;
  const before = readings();
  const words = ['users', 'add', name, ...flags];
  const { code, stderr } = await runCommand(postrider.configFile, words, `${password}\n`);
  if (code !== 0) throw new Error(`users add: ${stderr}`);
  await until('the users are read', () => readings() > before);
}
