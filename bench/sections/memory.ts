import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onServerCore } from '../machine.ts';
import type { Held } from '../servers/lease-churn.ts';

/** Memory in use while so many leases are acquired and settled in a process of its own, told at each tenth of them. */
export async function measureMemory(leases: number): Promise<readonly Held[]> {
  const script = join(import.meta.dirname, '..', 'servers', 'lease-churn.ts');
  const [program, ...args] = onServerCore([process.execPath, '--expose-gc', script, String(leases)]);
  const child = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const held: Held[] = [];
  for await (const line of createInterface({ input: child.stdout })) held.push(JSON.parse(line));
  process.off('exit', kill);
  if (held.at(-1)?.leases !== leases) throw new Error('the leases were not all settled; what went wrong stands above');
  return held;
}
