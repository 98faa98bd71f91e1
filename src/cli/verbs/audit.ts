import { Command } from 'commander';
import { type Verification, Verifier } from '../../audit/verify.ts';
import { verifyFile } from '../../audit/verify-file.ts';
import { EXIT, Failure, usageMistake } from '../failure.ts';
import type { Io } from '../io.ts';
import { fields } from '../table.ts';
import { counted } from '../words.ts';

/** `keylease audit verify`: about the files of an audit, without a server. */
export function auditVerb(io: Io): Command {
  const audit = new Command('audit').description('about the files of an audit');
  audit
    .command('verify <file...>')
    .description(
      'check that no record was edited, removed or inserted; files that follow each other, as a rotation leaves them, oldest first',
    )
    .option('--head <hash>', 'the hash of a record that was noted elsewhere: the files must contain it')
    .action(async (files: string[], { head }: { readonly head?: string }, command: Command) => {
      const verifier = new Verifier(head);
      for (const file of files) await verifyFile(verifier, file).catch((error: Error) => Promise.reject(usageMistake(error.message)));
      const found = verifier.result();
      const { json } = command.optsWithGlobals<{ json: boolean }>();
      io.out(`${json ? JSON.stringify(found, null, 2) : describe(found)}\n`);
      if (found.flaw !== null) throw new Failure(EXIT.refused, found.flaw);
    });
  return audit;
}

function describe({ records, from, to, head, follows, torn, unfinishedBytes, flaw }: Verification): string {
  return fields([
    [flaw === null ? 'records' : 'intact', String(records)],
    ['from', from ?? ''],
    ['to', to ?? ''],
    ['follows', follows === null ? '' : `record ${follows.seq} (${follows.hash}), which is in no file named here`],
    ['torn', torn === 0 ? '' : `${counted(torn, 'line')} that a crash left unfinished, each told by the record after it`],
    [
      'unfinished',
      unfinishedBytes === 0
        ? ''
        : `${counted(unfinishedBytes, 'byte')} at the end: a record that was never finished, so that nobody was answered`,
    ],
    ['last hash', head?.hash ?? ''],
  ]);
}
