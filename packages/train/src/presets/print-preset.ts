import { Document, isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml';
import { withOverrides } from '../plain/overrides.ts';
import { presetNamed } from './index.ts';
import { type Scale, sourceOf } from './preset.ts';

/**
 * A preset as a config in YAML, each value with its place in the paper as a comment. What it prints is a config
 * that `llr train` takes.
 *
 * @param settings - as of `withOverrides`
 * @throws when there is no such preset, or a setting leads nowhere
 */
export function printPreset(
  name: string,
  scale: Scale = 'paper',
  settings: readonly string[] = [],
): string {
  const { description, experiment: preset, sources } = presetNamed(name, scale);
  const experiment = withOverrides(preset, settings);
  const published = presetNamed(name).experiment;
  const document = new Document(experiment);
  document.commentBefore = ` ${description}${scale === 'mini' ? ', in miniature' : ''}`;
  annotate(document.contents as Node, [], (path) => {
    const source = sourceOf(sources, path);
    const value = valueAt(experiment, path);
    if (differ(value, valueAt(preset, path))) return 'set here';
    const before = valueAt(published, path);
    return source !== undefined && differ(value, before)
      ? `${shown(before)} at paper scale (${source})`
      : source;
  });
  return document.toString({ lineWidth: 0 });
}

type Path = readonly (string | number)[];

/** Comments behind values, and above what has values of its own; lists of numbers in one line. */
function annotate(node: Node, path: Path, remark: (path: Path) => string | undefined): void {
  if (isSeq<Node>(node)) {
    node.flow = node.items.length > 0 && node.items.every((item) => isScalar(item));
    for (const [i, item] of node.items.entries()) annotate(item, [...path, i], remark);
  }
  if (!isMap<Scalar<string>, Node>(node)) return;
  for (const { key, value } of node.items) {
    const here = [...path, key.value];
    annotate(value!, here, remark);
    const said = remark(here);
    if (said === undefined) continue;
    if (isScalar(value) || (isSeq(value) && value.flow)) value.comment = ` ${said}`;
    else key.commentBefore = ` ${said}`;
  }
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce((at, key) => (at as Record<string | number, unknown> | undefined)?.[key], value);

const isLeaf = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.every((each) => typeof each !== 'object')
    : value !== undefined && typeof value !== 'object';

const differ = (value: unknown, before: unknown): boolean =>
  isLeaf(value) && isLeaf(before) && shown(value) !== shown(before);

const shown = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));
