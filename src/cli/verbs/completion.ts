import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion.ts';
import type { Io } from '../io.ts';

/** `keylease completion bash|zsh|fish`: prints what makes a shell complete verbs and options. */
export function completionVerb(io: Io, program: Command): Command {
  return new Command('completion')
    .description('print the completion script of a shell, e.g. source <(keylease completion bash)')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => io.out(completionScript(shell, program)));
}
