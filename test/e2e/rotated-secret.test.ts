import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readConfigFile } from '../../src/cli/config-file.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { connectTo } from '../support/app.ts';
import { startVault, VAULT_TOKEN } from '../support/vault.ts';

interface Place {
  readonly secret: unknown;
  readonly more?: object;
  /** Puts the secret there; the empty text: none. */
  readonly put: (secret: string) => void;
}

/** Where the secret of the only key is. */
const PLACES: Record<string, (folder: string) => Promise<Place>> = {
  'a file': async (folder) => ({
    secret: { file: 'a' },
    put(secret) {
      writeFileSync(join(folder, 'new'), secret);
      renameSync(join(folder, 'new'), join(folder, 'a'));
    },
  }),
  'a credential of systemd': async (folder) => ({ secret: { credential: 'a' }, put: (secret) => writeFileSync(join(folder, 'a'), secret) }),
  Vault: async () => {
    const vault = await startVault();
    return {
      secret: { vault: { path: 'secret/data/a', field: 'key' } },
      more: { vault: { address: vault.address, token: { env: 'TOKEN' } } },
      put: (key) => vault.put('secret/data/a', { key }),
    };
  },
};

test.each(Object.entries(PLACES))(
  'a secret that was rotated in %s heals its key at the next reload, and an empty one changes nothing',
  async (_, place) => {
    const folder = mkdtempSync(join(tmpdir(), 'keylease-rotated-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { secret, more, put } = await place(folder);
    const path = join(folder, 'keylease.yaml');
    const pools = [{ id: 'default', provider: 'anthropic', keys: [{ id: 'a', secret }] }];
    writeFileSync(path, JSON.stringify({ listen: '127.0.0.1:0', ops: false, store: { kind: 'memory' }, ...more, pools }));
    const read = async () => {
      const reading = await readConfigFile(path, { TOKEN: VAULT_TOKEN, CREDENTIALS_DIRECTORY: folder });
      return reading.ok ? reading.config : { mistakes: reading.mistakes.map(formatMistake) };
    };

    put('');
    expect(await read()).toEqual({ mistakes: [expect.stringContaining('the secret is empty')] });
    put('sk-first');
    const config = await read();
    if ('mistakes' in config) throw new Error(config.mistakes.join());
    const app = await startApp(config, { readConfig: read });
    onTestFinished(() => app.close());
    const { leases, admin } = connectTo(app.addresses[0] as string);

    const { lease, credential } = await leases.acquireKey({});
    expect(credential?.secret).toBe('sk-first');
    await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 401, errorBody: '{"error":{"type":"authentication_error"}}' });
    await expect(leases.acquireKey({})).rejects.toMatchObject({ code: 9 });
    put('');
    await expect(admin.reloadConfig({})).rejects.toMatchObject({ code: 3, details: expect.stringContaining('the secret is empty') });
    put('sk-second');
    expect(await admin.reloadConfig({})).toMatchObject({ rotatedKeys: ['default/a'], addedKeys: [], removedKeys: [] });
    expect((await leases.acquireKey({})).credential?.secret).toBe('sk-second');
  },
);
