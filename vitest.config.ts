import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { project } from './tools/vitest.base.ts';

/** Projects of their own, outside the workspace; here they are tested on the sources. */
const examples = readdirSync(new URL('./examples', import.meta.url)).map((name) =>
  project({ test: { name, root: `./examples/${name}`, include: ['*.test.ts'] } }),
);

export default defineConfig({
  test: { projects: ['packages/*', 'tools', 'docs', ...examples] },
});
