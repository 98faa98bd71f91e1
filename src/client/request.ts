import type { Demand } from './options.ts';

type Json = Readonly<Record<string, unknown>>;

const BYTES_IN_TOKEN = 4;
/** What an image or a file takes is not told by its length; this is what a picture of usual size takes. */
const ATTACHMENT_TOKENS = 1_500;
/** Bodies are not parsed beyond this, for the estimate is not worth it. */
const BODY_BYTES_MAX = 4 * 1_024 * 1_024;

/** The fields in which a prompt stands, in the words of any provider known. */
const PROMPTS = ['messages', 'system', 'tools', 'input', 'instructions', 'prompt', 'contents', 'systemInstruction', 'system_instruction'];
const LIMITS = ['max_tokens', 'max_completion_tokens', 'max_output_tokens'];

/** What a request is going to use, as far as it can be read without consuming it. */
export function demandOf(url: URL, body: unknown): Demand {
  const json = readJson(body);
  if (json === null) return {};
  const path = /\/models\/(?<model>[^/:]+)/.exec(url.pathname)?.groups?.model;
  const model = typeof json.model === 'string' ? json.model : path && decodeURIComponent(path);
  const inputTokens = Math.ceil(PROMPTS.reduce((sum, name) => sum + tokensIn(json[name]), 0));
  const outputTokens = url.pathname.endsWith('/embeddings') ? 0 : outputOf(json);
  return {
    ...(model === undefined ? {} : { model: model.slice(0, 256) }),
    ...(inputTokens === 0 ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
  };
}

/** Whether the body can be sent a second time. */
export function isReplayable(body: unknown): boolean {
  return body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array || body instanceof ArrayBuffer;
}

function readJson(body: unknown): Json | null {
  if (typeof body !== 'string' && !(body instanceof Uint8Array) && !(body instanceof ArrayBuffer)) return null;
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  if (text.length > BODY_BYTES_MAX || !/^\s*\{/.test(text)) return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function outputOf(json: Json): number | undefined {
  const google = (json.generationConfig as Json | undefined)?.maxOutputTokens;
  const limit = [...LIMITS.map((name) => json[name]), google].find((value) => typeof value === 'number' && value > 0);
  const choices = typeof json.n === 'number' && json.n > 1 ? json.n : 1;
  return limit === undefined ? undefined : (limit as number) * choices;
}

function tokensIn(value: unknown): number {
  if (typeof value === 'string') return value.startsWith('data:') ? ATTACHMENT_TOKENS : Buffer.byteLength(value) / BYTES_IN_TOKEN;
  if (typeof value === 'number') return 1;
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, part) => sum + tokensIn(part), 0);
  return Object.entries(value).reduce(
    (sum, [name, part]) => sum + (NAMES.has(name) ? 0 : ATTACHED.has(name) ? attached(part) : tokensIn(part)),
    0,
  );
}

/** Parts that name things and are no text of the prompt, and parts that stand for something larger or smaller than their length. */
const NAMES = new Set(['type', 'role', 'id', 'cache_control', 'media_type', 'mime_type', 'mimeType', 'detail']);
const ATTACHED = new Set(['data', 'url', 'image_url', 'file_data', 'file_id', 'fileUri']);

function attached(part: unknown): number {
  return part === undefined || part === null ? 0 : ATTACHMENT_TOKENS;
}
