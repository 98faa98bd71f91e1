import { Command } from 'commander';
import { configJsonSchema } from '../../config/json-schema.ts';
import { formatMistake } from '../../config/mistake.ts';
import { readConfigFile } from '../config-file.ts';
import { usageMistake } from '../failure.ts';
import type { Io } from '../io.ts';
import { counted } from '../words.ts';

/** `keylease config check|schema`: about configuration files, without a server. */
export function configVerb(io: Io): Command {
  const config = new Command('config').description('about configuration files');
  config
    .command('check <file>')
    .description('list every mistake in a configuration, with file, line and column')
    .action((path: string) => check(path, io));
  config
    .command('schema')
    .description('print the JSON schema of configurations, for editors')
    .action(() => io.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`));
  return config;
}

async function check(path: string, io: Io): Promise<void> {
  const reading = await readConfigFile(path, io.env);
  if (!reading.ok) throw usageMistake(reading.mistakes.map(formatMistake).join('\n'));
  const { pools, warnings } = reading.config;
  for (const warning of warnings) io.err(`warning: ${warning}\n`);
  const keys = pools.reduce((sum, pool) => sum + pool.keys.length, 0);
  io.out(`${path}: no mistakes, ${counted(pools.length, 'pool')}, ${counted(keys, 'key')}\n`);
}
