import { execFileSync } from 'node:child_process';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { completionScript, SHELLS } from '../../src/cli/completion.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { captureIo } from './run-cli.ts';

function program(): Command {
  const config = new Command('config').description("the operator's file");
  config.command('check <file>').description('list mistakes').option('--strict', 'all of them');
  const keys = new Command('keys').description('list keys').option('--pool <pool>', 'the pool');
  return new Command('keylease').option('--json', 'as JSON').addCommand(keys).addCommand(config);
}

/** What bash offers after these words, of which the last is being written. */
function bashOffers(words: readonly string[]): readonly string[] {
  const line = ['keylease', ...words].map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _keylease; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', `${completionScript('bash', program())}\n${ask}`], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

describe('bash', () => {
  test.each([
    ['verbs at the start', ['k'], ['keys']],
    ['options of a verb', ['keys', '--p'], ['--pool']],
    ['the command’s own options after a verb', ['keys', '--j'], ['--json']],
    ['verbs of a verb', ['config', 'c'], ['check']],
    ['options of a verb of a verb', ['config', 'check', '--s'], ['--strict']],
    ['verbs after an option of the command', ['--json', 'ke'], ['keys']],
  ])('offers %s', (_name, words, offered) => {
    expect(bashOffers(words)).toEqual(offered);
  });
});

describe('fish', () => {
  test('offers a verb where none was written, with quotes that do not end the description', () => {
    const script = completionScript('fish', program());
    expect(script).toContain("complete -c keylease -f -n '__fish_use_subcommand' -a config -d 'the operator\\'s file'\n");
    expect(script).toContain("complete -c keylease -n '__fish_seen_subcommand_from keys' -l pool -d 'the pool'\n");
  });
});

test.each(SHELLS)('the script of %s knows every verb of the real command', (shell) => {
  const { io } = captureIo();
  const real = buildProgram(io, () => Promise.reject(new Error('no app here')));
  const script = completionScript(shell, real);
  for (const verb of real.commands) expect(script).toContain(verb.name());
});
