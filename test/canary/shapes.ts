import { randomBytes } from 'node:crypto';

/** A secret that can be told from every other text, in whole and in halves: such as keys are, or with letters that a URL must escape. */
export function newCanary(middle: '--' | '/+' = '--'): string {
  const text = randomBytes(24).toString('base64url');
  return `${text.slice(0, 16)}${middle}${text.slice(16)}`;
}

export interface Shape {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every form in which a secret could have been written. */
export function shapesOf(canary: string): readonly Shape[] {
  const half = canary.length / 2;
  const texts: readonly (readonly [string, string])[] = [
    ['as it is', canary],
    ['its first half', canary.slice(0, half)],
    ['its second half', canary.slice(half)],
    ['in small letters', canary.toLowerCase()],
    ['in hex', Buffer.from(canary).toString('hex')],
    ['in HEX', Buffer.from(canary).toString('hex').toUpperCase()],
    ['in a URL', encodeURIComponent(canary)],
    ...[0, 1, 2].map((shift) => [`in base64, ${shift} bytes on`, inBase64(canary, shift, 'base64')] as const),
    ...[0, 1, 2].map((shift) => [`in base64url, ${shift} bytes on`, inBase64(canary, shift, 'base64url')] as const),
  ];
  return [
    ...texts.map(([name, text]) => ({ name, bytes: Buffer.from(text) })),
    { name: 'in UTF-16', bytes: Buffer.from(canary, 'utf16le') },
  ];
}

/** The part that is the same whatever stands before and behind. */
function inBase64(canary: string, shift: number, encoding: 'base64' | 'base64url'): string {
  const whole = Buffer.from(' '.repeat(shift) + canary)
    .toString(encoding)
    .replace(/=+$/, '');
  return whole.slice(shift === 0 ? 0 : shift + 1, -2);
}
