import { type Problem, type ThreatModel, unreadableIndices } from '@llr/core';
import { compile, type NotCompilableError, orEagerly } from '@llr/engine';
import { type NamedTensorMap, type TensorContainer, tidy } from '@tensorflow/tfjs-core';

/** What an attack does to a batch, as a function of tensors; in a staged attack, from the state that it had got to. */
type Ascend = (problem: Problem, ...state: NamedTensorMap[]) => TensorContainer;

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
 * call to call is in the problem, or in the state of a staged attack; what `ascend` takes from elsewhere must be constant.
 */
export function ascent<Own extends Ascend>(name: string, ascend: Own): Own {
  const either: Ascend = (problem, ...state) => {
    const compiled = compiledFor(name, problem, ascend);
    return compiled ? compiled(problem, ...state) : tidy(() => ascend(problem, ...state));
  };
  return either as Own;
}

function compiledFor(name: string, { logits, threat }: Problem, ascend: Ascend) {
  const ascents = ofNetwork.get(logits);
  const { withRadius } = threat;
  if (!ascents || !withRadius) return undefined;
  const ofThreat = ascents.compiled.get(ascend) ?? new Map<ThreatModel['withRadius'], Ascend>();
  ascents.compiled.set(ascend, ofThreat);
  const known = ofThreat.get(withRadius);
  if (known) return known;
  const graph = compile(
    ({ radius, ...tensors }: Tensors, ...state: NamedTensorMap[]) => {
      const indices = unreadableIndices(tensors.images.shape[0]);
      return ascend({ ...tensors, indices, logits, threat: withRadius(radius) }, ...state);
    },
    { name },
  );
  const made = orEagerly<Parameters<Ascend>, TensorContainer>(
    (problem, ...state) => graph(tensorsOf(problem), ...state),
    (problem, ...state) => tidy(() => ascend(problem, ...state)),
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
