// npm test: sets up what is missing, runs every test there is (nothing is cached), names those that were
// skipped, and ends with a line such as "812 passed, 0 failed, 2 skipped".
//
//   npm test -- packages/core      only the tests under a path; anything vitest takes
//   LLR_REQUIRE=browser            a test that needs a browser fails, rather than being skipped, without one
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { command, loudly, root, setUp } from './setup.mjs';

setUp();
const target = join(root, 'coverage/test-summary.json');
rmSync(target, { force: true });
const status = await loudly(
  process.execPath,
  [
    command('vitest'),
    'run',
    '--reporter=default',
    '--reporter=./tools/test-summary.mjs',
    ...process.argv.slice(2),
  ],
  { ...process.env, LLR_TEST_SUMMARY: target },
);
const { passed, failed, skipped, broken } = existsSync(target)
  ? JSON.parse(readFileSync(target, 'utf8'))
  : { passed: 0, failed: 0, skipped: [], broken: ['vitest ended before it could report'] };
if (passed + failed === 0 && broken.length === 0) broken.push('no test was run');
if (status !== 0 && failed + broken.length === 0)
  broken.push(`vitest ended with exit code ${status}`);

const list = (title, lines) =>
  lines.length && console.log(`${title}\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
list('Broken, and counted as failed:', broken);
list(
  'Skipped:',
  skipped.map(({ name, reason }) => (reason ? `${name} (${reason})` : name)),
);
const failures = failed + broken.length;
const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
console.log(`${passed} passed, ${failures} failed${tail}`);
process.exitCode = failures > 0 || passed === 0 ? 1 : 0;
