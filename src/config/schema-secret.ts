import * as z from 'zod';
import { VARIABLE_NAME } from './expand.ts';
import { baseUrl, duration, expected, mapping } from './fields.ts';

/** Names of credentials and paths of Vault: nothing that leads elsewhere. */
export const CREDENTIAL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}$/;
export const VAULT_PATH = /^(?!.*\.\.)[A-Za-z0-9_.@~-]+(\/[A-Za-z0-9_.@~-]+)+$/;

const places = {
  env: z
    .string()
    .regex(VARIABLE_NAME, { error: 'expected the name of an environment variable: letters, digits and underscores' })
    .optional()
    .describe('The environment variable that holds the secret.'),
  file: z
    .string()
    .min(1)
    .optional()
    .describe("The file that holds nothing but the secret, at most 16 KiB; a relative path starts at this file's folder."),
  credential: z
    .string()
    .regex(CREDENTIAL_NAME, { error: 'expected the name of a credential: letters, digits, dots, underscores, hyphens' })
    .optional()
    .describe('The credential that systemd hands to the service (LoadCredential=), by its name.'),
};

const inVault = mapping(
  {
    path: z
      .string()
      .regex(VAULT_PATH, { error: 'expected a path as in secret/data/team-a, the mount first' })
      .describe('The path of a KV secret as the API of Vault has it: secret/data/team-a in version 2, kv/team-a in version 1.'),
    field: z.string().min(1).describe('The field of the secret that holds the key.'),
  },
  { silent: true },
);

/** Whether one of several ways is given, and no second one. */
const isOne = (source: object) => Object.values(source).filter((way) => way !== undefined).length === 1;

/** The forms that a secret may have. */
export const secret = () =>
  z.union(
    [
      z.string(),
      mapping(
        { ...places, vault: inVault.optional().describe('Where HashiCorp Vault has the secret; `vault` at the top says where Vault is.') },
        { silent: true },
      ).refine(isOne, 'expected one of env, file, credential and vault'),
    ],
    {
      error: expected('the secret as text (digits alone in quotes), { env: NAME }, { file: PATH }, { credential: NAME } or { vault: … }'),
    },
  );

export const vault = mapping({
  address: baseUrl().describe('Where Vault is: https, or http on a loopback address.'),
  token: mapping(places, { silent: true })
    .refine(isOne, 'expected one of env, file and credential')
    .describe('The token that may read the secrets: { env: NAME }, { file: PATH } or { credential: NAME }.'),
  namespace: z.string().min(1).optional().describe('The namespace of Vault Enterprise. Left out: none.'),
  ca: z
    .string()
    .min(1)
    .optional()
    .describe("A PEM file with the authority that Vault's certificate comes from. Left out: those that Node trusts."),
  timeout: duration('100ms', '5m')
    .prefault('10s')
    .describe('How long a start or a reload waits for all secrets together, 100ms to 5m. Default 10s.'),
})
  .optional()
  .describe('HashiCorp Vault, for secrets that are read from there, at the start and at each reload. Left out: there is none.');

export type VaultSettings = NonNullable<z.output<typeof vault>>;
