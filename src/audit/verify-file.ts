import { createReadStream } from 'node:fs';
import type { Verifier } from './verify.ts';

/** Hands every line of a file to the verifier, as far as it wants them; throws where the file cannot be read. */
export async function verifyFile(verifier: Verifier, path: string): Promise<void> {
  let [rest, number] = ['', 0];
  for await (const chunk of createReadStream(path, 'latin1')) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() as string;
    for (const line of lines) {
      number += 1;
      if (!verifier.take(line, `${path}:${number}`)) return;
    }
  }
  verifier.takeRest(rest, `${path}:${number + 1}`);
}
