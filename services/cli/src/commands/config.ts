import { ConfigError, describeConfig, printConfig } from '@postrider/runtime';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { configuration } from '../connection.js';
import { parseFlags } from '../flags.js';

export const config: Command = {
  name: 'config',
  synopsis: ['config check', 'config show [--origin]'],
  summary: 'is the configuration right; what is in force, and where each key was set',
  run(words) {
    const { values, positionals } = parseFlags(words, { origin: { type: 'boolean' } }, 1);
    switch (positionals[0]) {
      case 'check':
        return Promise.resolve(check(values.config, values.json === true));
      case 'show': {
        const loaded = configuration(values.config);
        if (values.json === true) sayJson(describeConfig(loaded));
        else say(printConfig(loaded, { origin: values.origin === true }).trimEnd());
        return Promise.resolve(exitCodes.done);
      }
      default:
        throw new UsageError("say 'check' or 'show'");
    }
  },
};

function check(path: string | undefined, json: boolean): number {
  try {
    const { files, warnings } = configuration(path);
    if (json) sayJson({ ok: true, files, warnings });
    else {
      say(files.length === 0 ? 'ok: no file, every key is a default' : `ok: ${files.join(', ')}`);
      for (const warning of warnings) say(`warning: ${warning}`);
    }
    return exitCodes.done;
  } catch (error) {
    if (!json || !(error instanceof ConfigError)) throw error;
    sayJson({ ok: false, problems: error.problems });
    return exitCodes.usage;
  }
}
