import * as z from 'zod';
import { expected, flag, mapping } from './fields.ts';

const written = mapping({
  file: z
    .string()
    .min(1)
    .optional()
    .describe('The file that records are appended to, for its owner alone to read; a relative path starts at the working directory.'),
  stdout: z
    .preprocess((value) => (value === 'true' ? true : value), z.literal(true))
    .optional()
    .describe('Write records to standard output, among the lines of the log.'),
  fsync: flag()
    .optional()
    .describe(
      'Answer only once the records are on disk, not just written: they survive a loss of power, and every answer waits for the disk. Default false.',
    ),
})
  .refine(({ file, stdout }) => (file === undefined) !== (stdout === undefined), 'expected either file or stdout')
  .refine(({ file, fsync }) => file !== undefined || fsync === undefined, { path: ['fsync'], error: 'only a file has fsync' })
  .transform(({ file, fsync = false }) =>
    file === undefined ? ({ kind: 'stdout' } as const) : ({ kind: 'file', path: file, fsync } as const),
  );

export const audit = z
  .union([written, z.literal(false)], { error: expected('{ file: PATH }, { stdout: true } or false') })
  .prefault(false)
  .describe(
    'A chained record of every grant, refusal, settlement and act of an operator, written before its answer leaves. Default false.',
  );
