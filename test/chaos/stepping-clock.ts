/** Loaded before anything else, it makes the wall clock of the process step when its parent says so; the monotonic clock goes on. */
const RealDate = Date;
let offset = 0;

class SteppingDate extends RealDate {
  constructor(...args: [] | [number]) {
    super(...((args.length === 0 ? [SteppingDate.now()] : args) as [number]));
  }

  static override now(): number {
    return RealDate.now() + offset;
  }
}

globalThis.Date = SteppingDate as DateConstructor;
process.on('message', (stepMs: number) => {
  const before = Date.now();
  offset += stepMs;
  process.send?.(Date.now() - before);
});
process.channel?.unref();
