// npm start: sets up what is missing, then trains a nominal and a regularised network on real images,
// attacks both and writes a report. What follows `--` is passed on: npm start -- --help
import { join } from 'node:path';
import { build } from './build.mjs';
import { loudly, root, setUp } from './setup.mjs';

setUp();
build({ types: false });
const passedOn = process.argv.slice(2);
const llr = join(root, 'packages/cli/bin/llr.js');
process.exitCode = await loudly(process.execPath, [
  llr,
  'train',
  '--preset',
  'quick-start',
  // What an earlier one left unfinished needn't be kept, unless it is to be gone on with.
  ...(passedOn.includes('--resume') ? [] : ['--restart']),
  ...passedOn,
]);
