import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { UnhealthyReason } from '../generated/keylease/v1/key.ts';
import { channelTarget } from './address.ts';

/** Parses `30s`, `5m`, `1h30m` into milliseconds. */
export function durationOption(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.problem);
  return parsed.ms;
}

/** Parses a whole number from 0 up. */
export function countOption(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 0 up.');
  return Number(text);
}

/** Parses a whole number with or without a sign, of 32 bits. */
export function integerOption(text: string): number {
  const value = Number(text);
  if (!/^[+-]?\d{1,10}$/.test(text) || value !== (value | 0)) throw new InvalidArgumentError('Write a whole number.');
  return value;
}

/** Parses an HTTP status; 0 where no response arrived. */
export function statusOption(text: string): number {
  if (!/^(?:0|[1-5]\d\d)$/.test(text))
    throw new InvalidArgumentError('Write an HTTP status from 100 to 599, or 0 where no response arrived.');
  return Number(text);
}

/** Gathers an option that may be given several times. */
export function listOption(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Checks an address and keeps it as it was written. */
export function addressOption(text: string): string {
  const parsed = channelTarget(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.problem);
  return text;
}

const REASONS = new Map<string, UnhealthyReason>(
  Object.entries(UnhealthyReason)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => [name.replace('UNHEALTHY_REASON_', '').toLowerCase().replaceAll('_', '-'), value]),
);

/** The reasons for which a key can be taken out, as they are written on the command line. */
export const reasonNames: readonly string[] = [...REASONS.keys()];

/** Parses `invalid-credential`, `billing`, … */
export function reasonOption(text: string): UnhealthyReason {
  const reason = REASONS.get(text);
  if (reason === undefined) throw new InvalidArgumentError(`Allowed reasons: ${reasonNames.join(', ')}.`);
  return reason;
}
