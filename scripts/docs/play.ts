import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Block, isAsShown } from './blocks.ts';
import { Shell } from './shell.ts';

/** How a block of a language is run: a file of this name, by this command. */
const PROGRAMS: Readonly<Record<string, { readonly file: string; readonly command: string }>> = {
  ts: { file: 'docs-block.ts', command: 'node docs-block.ts' },
  python: { file: 'docs-block.py', command: '"$DOCS_PYTHON" docs-block.py' },
  go: { file: 'clients/go/docsblock/main.go', command: '(cd clients/go && go run ./docsblock)' },
};

export interface Played {
  readonly run: number;
  readonly examples: number;
}

/** Runs the blocks of a document in a folder; throws at the first that fails or prints something else than is shown. */
export async function play(blocks: readonly Block[], folder: string, env: NodeJS.ProcessEnv): Promise<Played> {
  const shell = new Shell(folder, env);
  let printed: string | undefined;
  let run = 0;
  try {
    // A page about calls leaves it to the reader to have a server.
    if (blocks.every(({ directive }) => directive.kind !== 'start')) await shell.start('keylease serve --config config/example.yaml');
    for (const block of blocks) {
      try {
        printed = await playBlock(block, printed, shell, folder);
      } catch (error) {
        throw new Error(`line ${block.line}: ${(error as Error).message}`);
      }
      if (block.directive.kind !== 'example') run += 1;
    }
  } finally {
    await shell.end();
  }
  return { run, examples: blocks.length - run };
}

/** Answers with what the block printed; undefined: there is nothing to compare the next one with. */
async function playBlock({ directive, language, text }: Block, printed: string | undefined, shell: Shell, folder: string) {
  switch (directive.kind) {
    case 'example':
      return undefined;
    case 'start':
      await shell.start(text);
      return undefined;
    case 'file':
      writeFileSync(join(folder, directive.name), text);
      return undefined;
    case 'run':
      return runBlock(language, text, printed, shell, folder);
  }
}

async function runBlock(language: string, text: string, printed: string | undefined, shell: Shell, folder: string) {
  const program = PROGRAMS[language];
  if (language === 'sh') return shell.run(text);
  if (program !== undefined) {
    mkdirSync(dirname(join(folder, program.file)), { recursive: true });
    writeFileSync(join(folder, program.file), text);
    return shell.run(program.command);
  }
  if (language === 'yaml' || language === 'json') {
    const problem = parseAllDocuments(text).flatMap(({ errors }) => errors)[0];
    if (problem !== undefined) throw problem;
    return undefined;
  }
  if (language !== '') throw new Error(`nobody knows how to run ${language}: say why it is an example`);
  if (printed !== undefined && !isAsShown(text, printed)) throw new Error(`shown is\n${text}\nprinted was\n${printed}`);
  return undefined;
}
