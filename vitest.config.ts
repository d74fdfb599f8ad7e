import { defineConfig } from 'vitest/config';
import { project } from './tools/vitest.base.ts';

const example = project({
  test: {
    name: 'custom-regularizer',
    root: './examples/custom-regularizer',
    include: ['*.test.ts'],
  },
});

export default defineConfig({ test: { projects: ['packages/*', 'tools', 'docs', example] } });
