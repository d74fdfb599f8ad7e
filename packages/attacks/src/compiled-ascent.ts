import { type Problem, type ThreatModel, unreadableIndices } from '@llr/core';
import { compile, type NotCompilableError, orEagerly } from '@llr/engine';
import { type Tensor4D, tidy } from '@tensorflow/tfjs-core';

/** What an attack does to a batch, as a function of tensors. */
type Ascend = (problem: Problem) => Tensor4D;

/** The ascents that were compiled for one network. */
interface Ascents {
  readonly compiled: Map<Ascend, Map<ThreatModel['withRadius'], Ascend>>;
  readonly disposals: (() => void)[];
  readonly onEager: (reason: NotCompilableError) => void;
}

const ofNetwork = new WeakMap<Problem['logits'], Ascents>();

/**
 * Has ascents against a network compiled, once for each attack and size of batch.
 *
 * @param logits - the network, whose parameters are variables or else can't be compiled
 * @param onEager - told when one can't be compiled, and runs eagerly
 * @returns frees them; ascents against the network then run eagerly
 */
export function compileAscents(
  logits: Problem['logits'],
  onEager: (reason: NotCompilableError) => void,
): () => void {
  const ascents: Ascents = { compiled: new Map(), disposals: [], onEager };
  ofNetwork.set(logits, ascents);
  return () => {
    ofNetwork.delete(logits);
    for (const dispose of ascents.disposals) dispose();
  };
}

/**
 * Makes an ascent that is compiled inside an evaluation, and runs eagerly anywhere else. Everything that changes from
 * call to call is in the problem; what `ascend` takes from elsewhere must be constant.
 */
export const ascent =
  (name: string, ascend: Ascend): Ascend =>
  (problem) => {
    const compiled = compiledFor(name, problem, ascend);
    return compiled ? compiled(problem) : tidy(() => ascend(problem));
  };

function compiledFor(name: string, { logits, threat }: Problem, ascend: Ascend) {
  const ascents = ofNetwork.get(logits);
  const { withRadius } = threat;
  if (!ascents || !withRadius) return undefined;
  const ofThreat = ascents.compiled.get(ascend) ?? new Map<ThreatModel['withRadius'], Ascend>();
  ascents.compiled.set(ascend, ofThreat);
  const known = ofThreat.get(withRadius);
  if (known) return known;
  const graph = compile(
    ({ radius, ...tensors }: Tensors) => {
      const indices = unreadableIndices(tensors.images.shape[0]);
      return ascend({ ...tensors, indices, logits, threat: withRadius(radius) });
    },
    { name },
  );
  const made = orEagerly<[Problem], Tensor4D>(
    (problem) => graph(tensorsOf(problem)),
    (problem) => tidy(() => ascend(problem)),
    ascents.onEager,
  );
  ofThreat.set(withRadius, made);
  ascents.disposals.push(() => graph.dispose());
  return made;
}

type Tensors = Pick<Problem, 'images' | 'labels' | 'random' | 'targets' | 'start'> & {
  radius: ThreatModel['radius'];
};

const tensorsOf = ({ images, labels, random, threat, targets, start }: Problem): Tensors => ({
  images,
  labels,
  random,
  radius: threat.radius,
  ...(targets && { targets }),
  ...(start && { start }),
});
