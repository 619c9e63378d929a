import { describeConfig, printConfig } from '@postrider/runtime';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { configuration } from '../connection.js';
import { parseFlags } from '../flags.js';

export const config: Command = {
  name: 'config',
  synopsis: ['config check', 'config show [--origin]'],
  summary: 'is the configuration right; what is in force, and where each key was set',
  run(words) {
    const { values, positionals } = parseFlags(words, { origin: { type: 'boolean' } }, 1);
    const loaded = configuration(values.config);
    switch (positionals[0]) {
      case 'check':
        const { files, warnings } = loaded;
        if (values.json === true) sayJson({ ok: true, files, warnings });
        else {
          say(files.length === 0 ? 'ok: no file, every key is a default' : `ok: ${files.join(', ')}`);
          for (const warning of warnings) say(`warning: ${warning}`);
        }
        break;
      case 'show':
        if (values.json === true) sayJson(describeConfig(loaded));
        else say(printConfig(loaded, { origin: values.origin === true }).trimEnd());
        break;
      default:
        throw new UsageError("say 'check' or 'show'");
    }
    return Promise.resolve(exitCodes.done);
  },
};
