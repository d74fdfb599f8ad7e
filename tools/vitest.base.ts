import { fileURLToPath } from 'node:url';
import { defaultServerConditions } from 'vite';
import { defineConfig, mergeConfig, type ViteUserConfig } from 'vitest/config';

/** The test set-up every package shares: sources, not builds, and one engine chosen once a file. */
export const project = (overrides: ViteUserConfig = {}): ViteUserConfig =>
  mergeConfig(
    defineConfig({
      // ssr.resolve, not resolve: the latter alone leaves workspace packages on their dist.
      ssr: { resolve: { conditions: ['@llr/source', ...defaultServerConditions] } },
      test: {
        environment: 'node',
        include: ['test/**/*.test.ts'],
        // What hangs fails in the end; a machine that is busy with others takes ten times as long as one that isn't.
        testTimeout: 240_000,
        hookTimeout: 240_000,
        setupFiles: [fileURLToPath(new URL('./vitest.setup.ts', import.meta.url))],
      },
    }),
    overrides,
  );
