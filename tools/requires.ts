import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findBuild } from '../packages/engine/src/node/tensorflow/manifest.ts';

/** What some tests need beyond Node and the registry. */
export type Requirement = 'browser' | 'tensorflow' | 'peers';

const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** How each is asked for, and what finds the program or folder that meets it. */
const requirements: Record<Requirement, { wanted: string; find: () => string | undefined }> = {
  browser: { wanted: browsers.join(' or '), find: findBrowser },
  tensorflow: {
    wanted: 'the native TensorFlow (llr engine install)',
    find: () => {
      const build = findBuild('cpu');
      return build?.manifest && build.folder;
    },
  },
  peers: {
    wanted: 'LLR_PEERS, a folder that tools/oracle/peers.py wrote',
    find: () => process.env.LLR_PEERS,
  },
};

/** LLR_BROWSER, or one that is on the path. */
function findBrowser(): string | undefined {
  const chosen = process.env.LLR_BROWSER;
  if (chosen) return chosen;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return browsers
    .flatMap((command) => folders.map((folder) => join(folder, command)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * The program, or the folder, that a test needs. Skips the test, by name and with the reason, where the machine lacks it;
 * throws if the environment variable LLR_REQUIRE lists it (`LLR_REQUIRE=browser`).
 *
 * @param skip - of the test's context: `test('…', ({ skip }) => { const browser = requires('browser', skip); … })`
 */
export function requires(requirement: Requirement, skip: (note: string) => never): string {
  const { find, wanted: what } = requirements[requirement];
  const found = find();
  if (found) return found;
  const needed = (process.env.LLR_REQUIRE ?? '').split(',').includes(requirement);
  const wanted = `needs ${what}`;
  if (needed)
    throw new Error(`This test ${wanted}, which LLR_REQUIRE asks for and this machine lacks.`);
  return skip(wanted);
}
