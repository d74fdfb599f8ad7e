import { parseArgs } from 'node:util';
import { comparisons } from './comparisons.mjs';

const libraries = ['foolbox', 'art', 'torchattacks', 'autoattack'];
const names = comparisons.map(({ name }) => name);

export const usage = `Runs our attacks and those of Foolbox, ART, torchattacks and AutoAttack on the same networks and images.

  npm run bench:attacks -- [options]

  --only NAME,…    ${names.join(', ')}; default: all
  --peers NAME,…   ${libraries.join(', ')}; default: all
  --images N       the first so many test images (default 200)
  --rounds N       of each comparison, at most (default 2; the long ones have one)
  --json FILE      writes everything that was found, after each comparison
  --help`;

/** @throws with a sentence for people when an option is unknown or out of range */
export function parseArguments(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: names.join() },
      peers: { type: 'string', default: libraries.join() },
      images: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '2' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const only = named('--only', values.only, names);
  return {
    help: values.help ?? false,
    comparisons: only.map((asked) => comparisons.find(({ name }) => name === asked)),
    peers: named('--peers', values.peers, libraries),
    images: count('--images', values.images, 10_000),
    rounds: count('--rounds', values.rounds, 100),
    json: values.json,
  };
}

function count(option, text, most) {
  if (/^[1-9]\d*$/.test(text) && Number(text) <= most) return Number(text);
  throw new Error(`${option} takes a whole number from 1 to ${most}; got ${text}.`);
}

function named(option, text, known) {
  const asked = text === '' ? [] : text.split(',');
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown === undefined) return asked;
  throw new Error(`${option} knows no "${unknown}"; there are ${known.join(', ')}.`);
}
