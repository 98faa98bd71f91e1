import { readFile } from 'node:fs/promises';
import { ReportHeadersRequest } from '../generated/keylease/v1/key_lease_service.ts';
import { usageMistake } from './failure.ts';
import { type HeaderBlock, parseHeaders } from './headers.ts';
import type { Io } from './io.ts';

/** What `report` was told about the answer of the provider. */
export interface ReportOptions {
  readonly status?: number;
  readonly header?: readonly string[];
  readonly headersFile?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly errorBody?: string;
  readonly inProgress?: true;
}

/** The server reads no more of an error body. */
const ERROR_BODY_BYTES_MAX = 16 * 1024;

/** The report that the options make; files are read. Throws Failure where they do not fit together or cannot be read. */
export async function reportRequest(leaseId: string, options: ReportOptions, io: Io): Promise<ReportHeadersRequest> {
  if (options.headersFile === '-' && options.errorBody === '-')
    throw usageMistake('--headers-file and --error-body cannot both read standard input');
  const read = (path: string) => readText(path, io);
  const file = headersOf('--headers-file', options.headersFile === undefined ? '' : await read(options.headersFile));
  const given = headersOf('--header', (options.header ?? []).join('\n'));
  const statusCode = options.status ?? file.status;
  if (statusCode === null) throw usageMistake('say --status, or give a headers file with a status line');
  const { inputTokens = 0, outputTokens = 0 } = options;
  return ReportHeadersRequest.fromPartial({
    leaseId,
    statusCode,
    headers: { ...file.headers, ...given.headers },
    errorBody: options.errorBody === undefined ? '' : cut(await read(options.errorBody)),
    ...(options.inputTokens === undefined && options.outputTokens === undefined ? {} : { usage: { inputTokens, outputTokens } }),
    inProgress: options.inProgress ?? false,
  });
}

async function readText(path: string, io: Io): Promise<string> {
  if (path === '-') return io.readInput();
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw usageMistake(`cannot read ${path}: ${error.code ?? error.message}`);
  });
}

function headersOf(option: string, text: string): HeaderBlock {
  const parsed = parseHeaders(text);
  if (!parsed.ok) throw usageMistake(`${option}: ${parsed.mistake}`);
  return parsed.block;
}

const cut = (body: string) => Buffer.from(body).subarray(0, ERROR_BODY_BYTES_MAX).toString();
