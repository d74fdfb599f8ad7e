import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What some tests need beyond Node and the registry. */
export type Requirement = 'browser';

const commands: Record<Requirement, readonly string[]> = {
  browser: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
};

/** The program that meets a requirement, if this machine has it; LLR_BROWSER names one. */
function find(requirement: Requirement): string | undefined {
  const chosen = process.env[`LLR_${requirement.toUpperCase()}`];
  if (chosen) return chosen;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return commands[requirement]
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
 * The program a test needs. Skips the test, by name and with the reason, where the machine lacks it;
 * throws if the environment variable LLR_REQUIRE lists it (`LLR_REQUIRE=browser`).
 *
 * @param skip - of the test's context: `test('…', ({ skip }) => { const browser = requires('browser', skip); … })`
 */
export function requires(requirement: Requirement, skip: (note: string) => never): string {
  const program = find(requirement);
  if (program) return program;
  const needed = (process.env.LLR_REQUIRE ?? '').split(',').includes(requirement);
  const wanted = `needs ${commands[requirement].join(' or ')}`;
  if (needed)
    throw new Error(`This test ${wanted}, which LLR_REQUIRE asks for and this machine lacks.`);
  return skip(wanted);
}
