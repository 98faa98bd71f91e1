import { type BodyTold, watchFor } from './body-watch.ts';
import { ERROR_BODY_BYTES_MAX } from './report-message.ts';

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** The body of an error is waited for so long. */
const ERROR_BODY_MS_MAX = 5_000;

/** A program that drops a response unread tells nobody. */
const dropped = new FinalizationRegistry<() => void>((settle) => settle());

/**
 * The same response, whose body is watched while the program reads it, never ahead of it. `onEnd` hears once what the body told: when it
 * ends, breaks, is cancelled, or was dropped unread.
 */
export function watched(response: Response, onEnd: (told: BodyTold) => void): Response {
  if (response.body === null) {
    onEnd({});
    return response;
  }
  const watch = watchFor(response.headers.get('content-type') ?? '');
  const reader: Reader = response.body.getReader();
  let isOver = false;
  const end = (isWhole: boolean) => {
    if (isOver) return;
    isOver = true;
    onEnd(watch.told(isWhole));
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            end(true);
            controller.close();
          } else {
            watch.see(value);
            controller.enqueue(value);
          }
        } catch (error) {
          end(false);
          controller.error(error);
        }
      },
      cancel(reason) {
        end(false);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  dropped.register(body, () => {
    end(false);
    void reader.cancel().catch(() => {});
  });
  return withBody(response, body);
}

/** The beginning of an error's body, and the same response with all of it still to be read. */
export async function errorBody(response: Response): Promise<{ readonly text: string; readonly response: Response }> {
  if (response.body === null) return { text: '', response };
  const reader: Reader = response.body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ERROR_BODY_MS_MAX);
  });
  let pending = reader.read();
  let bytes = 0;
  try {
    while (bytes < ERROR_BODY_BYTES_MAX) {
      const next = await Promise.race([pending, timeout]);
      if (next === null || next.done) break;
      chunks.push(next.value);
      bytes += next.value.length;
      pending = reader.read();
    }
  } catch {
    // A body that broke breaks again for whoever reads it.
  } finally {
    clearTimeout(timer);
  }
  pending.catch(() => {});
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk);
    },
    async pull(controller) {
      const { done, value } = await pending;
      if (done) return controller.close();
      controller.enqueue(value);
      pending = reader.read();
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { text: Buffer.concat(chunks).subarray(0, ERROR_BODY_BYTES_MAX).toString(), response: withBody(response, body) };
}

function withBody(response: Response, body: ReadableStream): Response {
  const { status, statusText, headers, url, redirected } = response;
  const copy = new Response(body, { status, statusText, headers });
  return Object.defineProperties(copy, { url: { value: url }, redirected: { value: redirected } });
}
