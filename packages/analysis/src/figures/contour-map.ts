import type { LossSurface } from '../loss-surface.ts';
import type { Levels } from '../report/colour-scale.ts';
import { surfaceMap } from '../surface-map.ts';
import type { Block } from './block.ts';
import { plotBlock } from './plot-block.ts';

/** The map of a loss surface. */
export const contourMap = (id: string, surface: LossSurface, levels: Levels): Block =>
  plotBlock(id, {
    width: 360,
    height: 330,
    marginLeft: 48,
    marginRight: 22,
    marginTop: 10,
    marginBottom: 40,
    ...surfaceMap(surface, levels),
  });
