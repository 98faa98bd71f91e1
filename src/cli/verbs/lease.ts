import { Command } from 'commander';
import { AcquireKeyResponse } from '../../generated/keylease/v1/key_lease_service.ts';
import type { Credential } from '../../generated/keylease/v1/lease.ts';
import { type AcquireOptions, acquireRequest, withAcquireOptions } from '../acquire-options.ts';
import { usageMistake } from '../failure.ts';
import type { Io } from '../io.ts';
import { globalOptions, withSession } from '../session.ts';
import { fields } from '../table.ts';
import { durationMs, relative, score, span } from '../words.ts';

interface Options extends AcquireOptions {
  readonly showSecret?: true;
  readonly export?: true;
}

/** `keylease lease`: acquires a key. The secret is told only where it was asked for. */
export function leaseVerb(io: Io): Command {
  return withAcquireOptions(new Command('lease').description('lease a key'))
    .option('--show-secret', 'print the secret and the header that carries it')
    .option('--export', 'print shell exports with the secret, for eval "$(keylease lease --export)"')
    .action(async (options: Options, command: Command) => {
      if (options.export && globalOptions(command).json)
        throw usageMistake('choose --export or --json: the one is for a shell, the other for a program');
      await withSession(io, command, async ({ leases, bounded, print }) => {
        const granted = await leases.acquireKey(acquireRequest(options), bounded(options.maxWait));
        const shown = options.showSecret || options.export ? granted : withoutSecret(granted);
        if (options.export) io.out(shellExports(shown));
        else print(AcquireKeyResponse.toJSON(shown), () => describeGrant(shown, io.now()), options.showSecret);
      });
    });
}

function withoutSecret(granted: AcquireKeyResponse): AcquireKeyResponse {
  return granted.credential ? { ...granted, credential: { ...granted.credential, secret: '', headerValue: '' } } : granted;
}

function describeGrant({ lease, credential, capacityScore, waited }: AcquireKeyResponse, now: number): string {
  return fields([
    ['lease', lease?.leaseId ?? ''],
    ['key', lease?.keyId ?? ''],
    ['pool', lease?.pool ?? ''],
    ['model class', lease?.modelClass ?? ''],
    ['ends', relative(lease?.expireTime, now)],
    ['score', score(capacityScore)],
    ['waited', waited && durationMs(waited) > 0 ? span(durationMs(waited)) : ''],
    ...describeCredential(credential),
  ]);
}

function describeCredential(credential: Credential | undefined): readonly (readonly [string, string])[] {
  if (credential === undefined) return [['credential', 'none: the lease of this request id has ended']];
  return [
    ['base url', credential.baseUrl],
    ['header', credential.headerValue === '' ? credential.headerName : `${credential.headerName}: ${credential.headerValue}`],
    ...Object.entries(credential.headers).map(([name, value]) => ['header', `${name}: ${value}`] as const),
    ['secret', credential.secret || 'not shown (--show-secret, --export)'],
  ];
}

function shellExports({ lease, credential }: AcquireKeyResponse): string {
  if (lease === undefined || credential === undefined)
    throw usageMistake('the lease of this request id has ended: there is nothing to export');
  const variables = {
    LEASE_ID: lease.leaseId,
    KEY: lease.keyId,
    SECRET: credential.secret,
    HEADER_NAME: credential.headerName,
    HEADER_VALUE: credential.headerValue,
    BASE_URL: credential.baseUrl,
  };
  return Object.entries(variables)
    .map(([name, value]) => `export KEYLEASE_${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}
