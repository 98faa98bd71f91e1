import type { Command, Option } from 'commander';

/** A verb, or the command itself, as a shell needs to know it. */
interface Word {
  /** From the command on: `config check`; empty: the command itself. */
  readonly path: string;
  readonly verbs: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly Option[];
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The completion script of a shell, made from what the command knows of itself. */
export function completionScript(shell: Shell, program: Command): string {
  const words = wordsOf(program, '', []);
  switch (shell) {
    case 'bash':
      return bash(program.name(), words);
    case 'zsh':
      return `#compdef ${program.name()}\nautoload -U +X bashcompinit && bashcompinit\n${bash(program.name(), words)}`;
    case 'fish':
      return fish(program.name(), words);
  }
}

/** The options of the command itself are understood after every verb. */
function wordsOf(command: Command, path: string, inherited: readonly Option[]): readonly Word[] {
  const options = [...command.createHelp().visibleOptions(command), ...inherited];
  const visible = command.createHelp().visibleCommands(command);
  const verbs = visible.map((verb) => ({ name: verb.name(), description: verb.description() }));
  const globals = path === '' ? command.options : inherited;
  const below = visible.flatMap((verb) => wordsOf(verb, `${path} ${verb.name()}`.trim(), globals));
  return [{ path, verbs, options }, ...below];
}

function bash(name: string, words: readonly Word[]): string {
  const rows = words.map(({ path, verbs, options }) => {
    const candidates = [...verbs.map((verb) => verb.name), ...options.flatMap(({ long }) => long ?? [])];
    return `    '${path}') words='${[...new Set(candidates)].join(' ')}' ;;`;
  });
  const paths = words.flatMap(({ path }) => (path === '' ? [] : `'${path}'`)).join('|');
  return `_${name}() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${rows.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name} ${name}
`;
}

function fish(name: string, words: readonly Word[]): string {
  const everywhere = new Set(words[0]?.options);
  const lines = words.flatMap(({ path, verbs, options }) => [
    ...verbs.map((verb) => `complete -c ${name} -f -n '${before(path, verbs)}' -a ${verb.name} -d '${quoted(verb.description)}'`),
    ...options
      .filter((option) => option.long !== undefined && (path === '' || !everywhere.has(option)))
      .map(({ long, description }) => {
        const condition = path === '' ? '' : ` -n '${seen(path)}'`;
        return `complete -c ${name}${condition} -l ${long?.slice(2)} -d '${quoted(description)}'`;
      }),
  ]);
  return `${lines.join('\n')}\n`;
}

/** The condition under which none of the verbs was written yet. */
function before(path: string, verbs: Word['verbs']): string {
  if (path === '') return '__fish_use_subcommand';
  return `${seen(path)}; and not __fish_seen_subcommand_from ${verbs.map((verb) => verb.name).join(' ')}`;
}

const seen = (path: string) =>
  path
    .split(' ')
    .map((verb) => `__fish_seen_subcommand_from ${verb}`)
    .join('; and ');

const quoted = (text: string) => text.replaceAll("'", "\\'");
