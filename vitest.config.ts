import { defineConfig } from 'vitest/config';

/** Bounds that no machine is too slow for: they end what hangs, and say nothing on speed. */
export default defineConfig({ test: { testTimeout: 120_000, hookTimeout: 120_000, setupFiles: ['test/support/setup.ts'] } });
