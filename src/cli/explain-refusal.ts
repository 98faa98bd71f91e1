import { Status } from 'nice-grpc';
import type { Refusal } from './refusal.ts';
import { counted, number, plain, span } from './words.ts';

/** What happened and what to do, in words, with the status and reason behind them. */
export function explainRefusal(refusal: Refusal): string {
  const name = Status[refusal.status] ?? `status ${refusal.status}`;
  const label = [...new Set([name, refusal.details.reason])].filter((part) => part !== '').join(', ');
  const words = sentence(refusal);
  return plainLines(`${words}${words.endsWith('\n') ? '' : ' '}(${label})`);
}

function sentence(refusal: Refusal): string {
  const byReason = SENTENCES[refusal.details.reason];
  if (byReason) return byReason(refusal);
  return (BY_STATUS.get(refusal.status) ?? other)(refusal);
}

type Sentence = (refusal: Refusal) => string;

const SENTENCES: Readonly<Record<string, Sentence | undefined>> = {
  ALL_KEYS_EXHAUSTED: (refusal) => `No key has room: ${keyCounts(refusal)}. ${askAgain(refusal)}, or wait in line with --max-wait.`,
  TOO_MANY_WAITERS: (refusal) => `The line of waiting calls is full. ${askAgain(refusal)}.`,
  DEMAND_EXCEEDS_LIMIT: ({ message, details }) =>
    `No key could ever serve this demand: ${details.quotas.join('; ') || trimmed(message)}. Ask for less, or use a pool with higher limits.`,
  CONFIG_MISTAKES: ({ details }) =>
    `The configuration has mistakes, and nothing was changed:\n${details.fields.map(({ description }) => `  ${description}\n`).join('')}`,
  NO_HEALTHY_KEYS: (refusal) =>
    `No key may be leased: ${keyCounts(refusal)}. \`keylease keys\` says why; \`keylease mark-healthy KEY\` and \`keylease enable KEY\` bring one back.`,
};

const BY_STATUS: ReadonlyMap<number, Sentence> = new Map<number, Sentence>([
  [Status.NOT_FOUND, notFound],
  [Status.INVALID_ARGUMENT, malformed],
  [Status.UNAUTHENTICATED, ({ message }) => `The server does not know who is calling: ${trimmed(message)}.`],
  [Status.PERMISSION_DENIED, ({ message }) => `This caller may not do that: ${trimmed(message)}. An operator can.`],
  [Status.UNAVAILABLE, (refusal) => `The server cannot answer at the moment: ${trimmed(refusal.message)}. ${askAgain(refusal)}.`],
  [Status.UNIMPLEMENTED, () => 'The server there does not know this call: it is no keylease server, or an older one.'],
  [Status.INTERNAL, () => 'The server made a mistake; its log has the cause.'],
]);

function other({ message }: Refusal): string {
  return `The server refused: ${trimmed(message)}.`;
}

function notFound({ message, details: { resource } }: Refusal): string {
  if (resource === null) return `${trimmed(message)}.`;
  const kind = resource.type.split(/[./]/).at(-1)?.toLowerCase() ?? '';
  const verb = ({ pool: 'pools', key: 'keys', lease: 'leases' } as Record<string, string>)[kind];
  const hint = verb ? ` \`keylease ${verb}\` lists those that are.` : '';
  return `There is no ${kind} ${resource.name}.${hint}`;
}

function malformed({ message, details }: Refusal): string {
  if (details.fields.length === 0) return `The server does not accept this: ${trimmed(message)}.`;
  return `The server does not accept this:\n${details.fields.map(({ field, description }) => `  ${field}: ${description}`).join('\n')}\n`;
}

function keyCounts({ details: { metadata } }: Refusal): string {
  const told = (name: string, words: string) => (Number(metadata[name] ?? 0) > 0 ? [`${number(Number(metadata[name]))} ${words}`] : []);
  return [
    counted(Number(metadata.keys ?? 0), 'key'),
    ...told('cooldown', 'in cooldown'),
    ...told('unhealthy', 'unhealthy'),
    ...told('draining', 'draining'),
    ...told('excluded', 'excluded'),
    ...told('no_room', 'without room'),
  ].join(', ');
}

function askAgain({ details: { retryAfterMs } }: Refusal): string {
  if (retryAfterMs === null) return 'Ask again later';
  return retryAfterMs < 1 ? 'Ask again now' : `Ask again in ${span(retryAfterMs)}`;
}

const trimmed = (message: string) => message.replace(/[.\s]+$/, '');
const plainLines = (text: string) => text.split('\n').map(plain).join('\n');
