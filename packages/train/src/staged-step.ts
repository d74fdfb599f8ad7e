import { type Regularizer, unreadableIndices } from '@llr/core';
import { type Compiled, compile, NotCompilableError, type Program, program } from '@llr/engine';
import { dispose, type Scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { NamedVariable } from './named-variable.ts';
import type { Contribution, Reduced } from './parallel/parallel-step.ts';
import {
  type PassTensors,
  type Searched,
  type SearchedByPlace,
  type StepFunctions,
  searchAsyncOn,
  type UpdateTensors,
} from './step-functions.ts';
import { blamedFor, partName, type StepPart } from './step-stage.ts';
import {
  applyReduced,
  contributionOf,
  passesOf,
  runStep,
  type StepInput,
  type StepMetrics,
  type StepSetup,
} from './train-step.ts';

interface Stages {
  setup: StepSetup;
  /** The functions of a step, uncompiled. */
  eager: StepFunctions;
  /** What the compiled ones change, and have in their session. */
  resident: readonly NamedVariable[];
  compiled: boolean;
  onEager: (reason: NotCompilableError) => void;
}

type Search = (tensors: PassTensors) => Searched;

/**
 * A step as one graph, from which the stages that can't be compiled come out one by one, as they turn out: a search
 * runs eagerly before the graph, which is given what it found; a penalty takes the gradients and the optimiser with it,
 * and the searches are then graphs of their own. Where it is the network, or nobody knows, all of the step runs eagerly.
 */
export class StagedStep {
  readonly #stages: Stages;
  /** All of a step but the searches that run apart, while it can be compiled. */
  #rest: CompiledRest | undefined;
  /** Places of the regularisers whose search can't be compiled. */
  readonly #eagerSearches = new Set<number>();
  readonly #compiledSearches = new Map<number, Compiled<[PassTensors], Searched>>();
  /** Whether nothing is compiled. */
  #isEager: boolean;

  constructor(stages: Stages) {
    const { setup, eager, resident, compiled } = stages;
    this.#stages = stages;
    this.#isEager = !compiled;
    if (compiled) this.#rest = compiledRest(`train ${setup.classifier.name}`, eager, resident);
  }

  /** @param before - what was found by some of the searches already, for each micro-batch */
  step(input: StepInput, before: readonly SearchedByPlace[] = []): StepMetrics {
    return this.#compilable(() =>
      tidy(() => {
        const { setup } = this.#stages;
        const searched = this.#search(input, this.#apart(), before);
        return runStep(setup, input, this.#functions, searched);
      }),
    );
  }

  /** This process's share of a step of several processes; nothing moves by it. */
  contribute(input: StepInput, before: readonly SearchedByPlace[] = []): Contribution {
    return this.#compilable(() => {
      let found: Contribution;
      // A scope looks for tensors in all that it returns, number by number.
      tidy(() => {
        const { setup } = this.#stages;
        const searched = this.#search(input, this.#apart(), before);
        found = contributionOf(setup, input, this.#functions.accumulation!, searched);
      });
      return found!;
    });
  }

  /** Moves everything by the shares of all processes. */
  applyReduced(input: StepInput, reduced: Reduced): void {
    this.#compilable(() => tidy(() => applyReduced(input, this.#functions.accumulation!, reduced)));
  }

  /** Forgets what was contributed. */
  clear(): void {
    this.#functions.accumulation?.clear();
  }

  /** What the asynchronous searches find for each micro-batch, the caller's to dispose of. */
  async searchAsync(input: StepInput): Promise<Record<string, Searched>[]> {
    this.read();
    const { setup } = this.#stages;
    const places = placesOf(setup.regularizers, ({ searchAsync }) => searchAsync);
    const passes = passesOf(setup, input);
    const found: Record<string, Searched>[] = passes.map(() => ({}));
    try {
      for (const [i, { tensors, indices }] of passes.entries()) {
        for (const place of places)
          found[i]![place] = await searchAsyncOn(setup, place, tensors, indices);
      }
      return found;
    } catch (error) {
      disposeSearched(found);
      throw error;
    } finally {
      for (const { tensors } of passes) disposePass(tensors);
    }
  }

  /** What all searches find for each micro-batch, the caller's to dispose of. */
  async searchAll(input: StepInput): Promise<readonly SearchedByPlace[]> {
    const before = await this.searchAsync(input);
    const places = placesOf(this.#stages.setup.regularizers, ({ search }) => search);
    const search = () => tidy(() => this.#search(input, places, before) as never) as never;
    try {
      return this.#compilable<readonly SearchedByPlace[]>(search);
    } catch (error) {
      disposeSearched(before);
      throw error;
    } finally {
      if (this.#rest) this.#disposeSearches();
    }
  }

  /** The mean loss of the unperturbed images. */
  nominal(input: StepInput): number {
    return this.#compilable(() =>
      tidy(() => {
        const losses = passesOf(this.#stages.setup, input).map(({ tensors }) =>
          this.#functions.nominal(tensors),
        );
        return losses.reduce((sum, loss) => sum + loss.dataSync()[0]!, 0) / losses.length;
      }),
    );
  }

  /** The optimiser and the averages alone, by made-up gradients. */
  update(tensors: UpdateTensors): void {
    this.#compilable(() => tidy(() => void this.#functions.update(tensors).dataSync()));
  }

  read(): void {
    this.#rest?.read();
  }

  write(): void {
    this.#rest?.write();
  }

  /** Brings the variables up to date and frees what was compiled. */
  dispose(): void {
    this.#rest?.dispose();
    this.#disposeSearches();
  }

  #disposeSearches(): void {
    for (const search of this.#compiledSearches.values()) search.dispose();
    this.#compiledSearches.clear();
  }

  get #functions(): Omit<StepFunctions, 'search'> {
    return this.#rest?.functions ?? this.#stages.eager;
  }

  /** The searches that run before the rest: those that aren't compiled, or those that alone are. */
  #apart(): readonly number[] {
    if (this.#isEager) return [];
    const places = placesOf(this.#stages.setup.regularizers, ({ search }) => search);
    const isCompiled = this.#rest !== undefined;
    return places.filter((place) => this.#eagerSearches.has(place) === isCompiled);
  }

  #search(
    input: StepInput,
    places: readonly number[],
    before: readonly SearchedByPlace[],
  ): readonly SearchedByPlace[] {
    if (places.length === 0) return before;
    // Searches on their own use the variables themselves.
    this.read();
    return passesOf(this.#stages.setup, input).map(({ tensors, indices }, i) => {
      const found = places.map((place) => [place, this.#searchAt(place, tensors, indices)]);
      return { ...before[i], ...Object.fromEntries(found) };
    });
  }

  #searchAt(place: number, tensors: PassTensors, indices: Int32Array): Searched {
    const { eager, setup } = this.#stages;
    if (this.#isEager || this.#eagerSearches.has(place))
      return eager.search(place, tensors, indices);
    let search = this.#compiledSearches.get(place);
    if (!search) {
      const apart: Search = (pass) => eager.search(place, pass, indicesOf(pass));
      search = compile(apart, { name: `search of ${setup.regularizers[place]!.name}` });
      this.#compiledSearches.set(place, search);
    }
    return search(tensors);
  }

  /** Does it again, each time with a stage less that is compiled, until all that is can be. */
  #compilable<T>(run: () => T): T {
    for (;;) {
      try {
        return run();
      } catch (error) {
        if (this.#isEager || !(error instanceof NotCompilableError)) throw error;
        this.#stages.onEager(this.#fallBack(error));
      }
    }
  }

  /** Has the part that is to blame run eagerly from now on; says which, and why. */
  #fallBack(error: NotCompilableError): NotCompilableError {
    const blamed = blamedFor(error);
    const note = this.#takeOut(blamed?.part);
    return new NotCompilableError(`${note} ${blamed?.message ?? error.message}`, { cause: error });
  }

  #takeOut(part: StepPart | undefined): string {
    const searches = placesOf(this.#stages.setup.regularizers, ({ search }) => search);
    const compilable = searches.filter((place) => !this.#eagerSearches.has(place));
    if (part?.stage === 'search' && (this.#rest || compilable.length > 1)) {
      this.#eagerSearches.add(part.place);
      return `The search of the regulariser ${part.name} runs eagerly, which is slower, and the rest of a training step compiled:`;
    }
    if (part?.stage === 'penalty' && this.#rest && compilable.length > 0) {
      this.#dropRest();
      return `The gradients and the optimiser of training steps run eagerly, which is slower, because of the penalty of the regulariser ${part.name}, and searches compiled:`;
    }
    this.#isEager = true;
    this.#dropRest();
    this.#disposeSearches();
    const because = part && `, because of the ${partName(part)}`;
    return `Training steps run eagerly, which is slower${because ?? ''}:`;
  }

  #dropRest(): void {
    this.#rest?.dispose();
    this.#rest = undefined;
  }
}

const placesOf = (
  regularizers: readonly Regularizer[],
  has: (regularizer: Regularizer) => unknown,
): number[] => [...regularizers.keys()].filter((place) => has(regularizers[place]!) !== undefined);

/** Disposes of what was found for each micro-batch. */
export function disposeSearched(searched: readonly SearchedByPlace[]): void {
  dispose(searched as never);
}

function disposePass({ images, labels, step, epoch, radius }: PassTensors): void {
  const own: Tensor[] = [images, labels, step, epoch, radius];
  dispose(own);
}

/** Which examples are in a batch would be a constant of the graph, and is left out. */
const indicesOf = ({ labels }: PassTensors) => unreadableIndices(labels.shape[0]);

type CompiledRest = Pick<Program<never>, 'read' | 'write' | 'dispose'> & {
  functions: Omit<StepFunctions, 'search'>;
};

/** The same functions compiled, over one state. */
function compiledRest(
  name: string,
  { nominal, update, step, accumulation }: StepFunctions,
  state: readonly NamedVariable[],
): CompiledRest {
  const shared = { name, state: state.map(({ variable }) => variable) };
  const whole = (tensors: PassTensors & UpdateTensors) => step(tensors, indicesOf(tensors));
  if (!accumulation) {
    const { functions, ...rest } = program({
      ...shared,
      functions: { step: whole, nominal, update },
    });
    return { ...rest, functions: { ...functions, step: (tensors) => functions.step(tensors) } };
  }
  const part = (tensors: PassTensors, weight: Scalar) =>
    accumulation.accumulate(tensors, weight, indicesOf(tensors));
  const { functions, ...rest } = program({
    ...shared,
    functions: {
      step: whole,
      nominal,
      update,
      accumulate: part,
      sums: accumulation.sums,
      replace: accumulation.replace,
      apply: accumulation.apply,
      clear: accumulation.clear,
    },
  });
  return {
    ...rest,
    functions: {
      nominal: functions.nominal,
      update: functions.update,
      step: (tensors) => functions.step(tensors),
      accumulation: {
        accumulate: (tensors, weight) => functions.accumulate(tensors, weight),
        sums: functions.sums,
        replace: functions.replace,
        apply: functions.apply,
        clear: functions.clear,
      },
    },
  };
}
