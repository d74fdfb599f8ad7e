import { defineConfig, type Options } from 'tsup';

/** The build every package shares: ESM for Node and bundlers, one declaration file an entry. */
export const library = (options: Partial<Options> = {}) =>
  defineConfig({
    entry: ['src/index.ts'],
    format: ['esm'],
    target: 'node20',
    platform: 'neutral',
    // tsup 8 passes baseUrl, which is an error in TypeScript 6 (egoist/tsup#1388).
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
    sourcemap: true,
    clean: true,
    treeshake: false,
    ...options,
  });
