import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { parseDocument } from 'yaml';
import { mintToken } from '../../auth/token.ts';
import { readTokens, type TokenRecord, tokenLineOf } from '../../config/token-file.ts';
import { editFile } from '../edit-file.ts';
import { usageMistake } from '../failure.ts';
import { type Io, wantsColour } from '../io.ts';
import { durationOption } from '../options.ts';
import { table } from '../table.ts';
import { relative, toTimestamp } from '../words.ts';

const FILE = ['--file <file>', 'the file that auth.tokens.file names'] as const;

/** Nobody but the owner: whoever writes to this file makes holders. */
const MODE = 0o600;

/** `keylease token create|list|revoke`: the file of bearer tokens, without a server; one that runs takes the change up by itself. */
export function tokenVerb(io: Io): Command {
  const token = new Command('token').description('make, list and revoke the bearer tokens of holders');
  token
    .command('create')
    .description('print a new token, once, and append its hash to the file')
    .requiredOption('--holder <holder>', 'who shows it; one holder may have several, to change from one to the next')
    .option('--expires <duration>', 'how long it is good, as in 90d; left out: until it is revoked', durationOption)
    .requiredOption(...FILE)
    .action((options: CreateOptions, command: Command) => create(options, isJson(command), io));
  token
    .command('list')
    .description('list the tokens of the file')
    .requiredOption(...FILE)
    .action((options: { file: string }, command: Command) => list(options.file, isJson(command), io));
  token
    .command('revoke <id>')
    .description('take a token out of the file')
    .requiredOption(...FILE)
    .action((id: string, options: { file: string }) => revoke(id, options.file, io));
  return token;
}

interface CreateOptions {
  readonly holder: string;
  readonly expires?: number;
  readonly file: string;
}

async function create({ holder, expires, file }: CreateOptions, json: boolean, io: Io): Promise<void> {
  const { token, id, sha256 } = mintToken();
  const createTime = io.now();
  const line = tokenLineOf({ id, sha256, holder, createTime, expireTime: expires === undefined ? null : createTime + expires });
  await editFile(file, MODE, () => {
    const before = textOf(file, '');
    tokensOf(before, file);
    const isBare = before === '' || before.trim() === '[]';
    const after = isBare ? line : `${before}${before.endsWith('\n') ? '' : '\n'}${line}`;
    const reading = readTokens(after);
    if (!reading.ok) throw usageMistake(`no token was made: ${reading.faults.map(({ message }) => message).join('; ')}`);
    return after;
  });
  io.out(json ? `${JSON.stringify({ token, id, holder })}\n` : `${token}\n`);
}

function list(file: string, json: boolean, io: Io): void {
  const tokens = tokensOf(textOf(file), file);
  const shown = (time: number | null) => (time === null ? '' : new Date(time).toISOString());
  if (json) {
    const told = tokens.map(({ id, holder, createTime, expireTime }) => ({
      id,
      holder,
      created: shown(createTime),
      expires: shown(expireTime),
    }));
    io.out(`${JSON.stringify({ tokens: told }, null, 2)}\n`);
    return;
  }
  const when = (time: number | null) => (time === null ? 'never' : relative(toTimestamp(time), io.now()));
  const layout = { width: io.isTerminal ? io.columns : null, colour: wantsColour(io) };
  const columns = [
    { title: 'id', importance: 3, cell: ({ id }: TokenRecord) => id },
    { title: 'holder', importance: 4, cell: ({ holder }: TokenRecord) => holder },
    { title: 'created', importance: 1, cell: ({ createTime }: TokenRecord) => when(createTime) },
    { title: 'expires', importance: 2, cell: ({ expireTime }: TokenRecord) => when(expireTime) },
  ];
  io.out(`${table(columns, tokens, layout)}\n`);
}

async function revoke(id: string, file: string, io: Io): Promise<void> {
  await editFile(file, MODE, () => {
    const text = textOf(file);
    const place = tokensOf(text, file).findIndex((token) => token.id === id);
    if (place < 0) throw usageMistake(`${file} has no token ${id}: \`keylease token list\` shows those it has`);
    const document = parseDocument(text);
    document.deleteIn([place]);
    return document.toString({ lineWidth: 0 });
  });
  io.out(`revoked ${id}\n`);
}

function isJson(command: Command): boolean {
  return command.optsWithGlobals<{ json: boolean }>().json;
}

function tokensOf(text: string, file: string): readonly TokenRecord[] {
  const reading = readTokens(text);
  if (reading.ok) return reading.tokens;
  throw usageMistake(reading.faults.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`).join('\n'));
}

/** The text of the file; `missing` where there is none. */
function textOf(file: string, missing?: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && missing !== undefined) return missing;
    throw usageMistake(`the file ${file} cannot be read: ${code}`);
  }
}
