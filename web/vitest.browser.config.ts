import { defineConfig } from 'vitest/config';

// The whole page in a real browser against the real server: `npm run browser`, with INKLING naming the program.
export default defineConfig({ test: { include: ['tests/*.browser.ts'], testTimeout: 240_000, hookTimeout: 60_000, fileParallelism: false } });
