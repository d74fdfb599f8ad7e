import { openData } from '@llr/datasets';
import { presetNamed, type Scale } from '@llr/train';
import type { Output } from '../output.ts';
import type { Artefact } from './artefact.ts';

/** The paper's scale where the images that it takes are there, else the miniature. Says which. */
export async function scaleFor(
  chosen: readonly Artefact[],
  data: string | undefined,
  out: Output,
): Promise<Scale> {
  const presets = chosen.flatMap(({ needs }) => needs('paper').map(({ preset }) => preset));
  const specs = presets.map((preset) => data ?? String(presetNamed(preset).experiment.data));
  for (const spec of new Set(specs)) {
    const missing = await openData(spec)
      .open('train')
      .then(() => undefined, String);
    if (missing === undefined) continue;
    out.say(`In miniature (--scale mini), as there are no images of ${spec} here.`);
    return 'mini';
  }
  out.say('As published (--scale paper): the images are there.');
  return 'paper';
}
