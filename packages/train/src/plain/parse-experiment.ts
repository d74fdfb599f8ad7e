import { parseDocument } from 'yaml';
import type { PlainExperiment } from './plain-experiment.ts';

/**
 * Reads a config that is written as YAML or JSON. What it says is checked by `experimentFrom`.
 *
 * @param file - its name, for errors
 * @throws when it is neither, with the line; when it holds no object
 */
export function parseExperiment(text: string, file: string): PlainExperiment {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new Error(`${file} is no YAML or JSON. ${error.message}`);
  const found: unknown = document.toJS();
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new Error(`${file} holds no experiment: write its fields, such as name: and data:.`);
  }
  return found as PlainExperiment;
}
