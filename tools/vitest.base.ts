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
        testTimeout: 60_000,
        setupFiles: [fileURLToPath(new URL('./vitest.setup.ts', import.meta.url))],
      },
    }),
    overrides,
  );
