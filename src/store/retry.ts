const FIRST_DELAY_MS = 250;
const DELAY_MAX_MS = 2_000;

/** Attempts after a quarter of a second, then after twice as long, at least every two seconds, until an attempt answers true. Answers with a stop. */
export function retryUntilDone(attempt: () => boolean): () => void {
  let delayMs = FIRST_DELAY_MS;
  let timer = schedule();
  function schedule(): NodeJS.Timeout {
    return setTimeout(run, delayMs).unref();
  }
  function run(): void {
    if (attempt()) return;
    delayMs = Math.min(delayMs * 2, DELAY_MAX_MS);
    timer = schedule();
  }
  return () => clearTimeout(timer);
}
