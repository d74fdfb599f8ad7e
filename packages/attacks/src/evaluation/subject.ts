import type { Plan, PlannedAttack } from './plan.ts';

/** A staged run that has begun: this example's row of its state. */
export interface Stage {
  /** How many stages are behind it. */
  readonly done: number;
  readonly state: Readonly<Record<string, StateRow>>;
}

export interface StateRow {
  readonly values: Float32Array | Int32Array;
  /** Without the batch. */
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

/** One example on its way through the attacks: which try is next, and what came of those before. */
export class Subject {
  /** The number of the attack that is next. */
  attack = -1;
  /** The number of its run that is next. */
  run = 0;
  stage: Stage | undefined;
  /** `[h · w · c]`; empty when no try is left, or none was made yet since the evaluation went on. */
  image: Float32Array = new Float32Array(0);
  /** The wrong classes, from the likeliest at the unperturbed image to the least likely. */
  wrongClasses: Int32Array = new Int32Array(0);
  /** For each attack that it got: the run that broke it, or null. */
  readonly brokenIn: Record<string, string | null> = {};
  /** For each targeted attack that it got: whether a run made it the target. */
  readonly hit: Record<string, boolean> = {};
  /** The first attack that broke it; `'clean'` where it is misclassified unperturbed. */
  brokenBy: string | null;

  /** In the order of the source. */
  readonly position: number;
  readonly index: number;
  readonly label: number;
  /** For the unperturbed image. */
  readonly prediction: number;
  readonly #plan: Plan;

  constructor(
    example: { position: number; index: number; label: number; prediction: number },
    plan: Plan,
  ) {
    this.position = example.position;
    this.index = example.index;
    this.label = example.label;
    this.prediction = example.prediction;
    this.#plan = plan;
    this.brokenBy = this.prediction === this.label ? null : 'clean';
    this.#nextAttack();
  }

  /** Whether no try is left. */
  get settled(): boolean {
    return this.attack === this.#plan.attacks.length;
  }

  get planned(): PlannedAttack {
    return this.#plan.attacks[this.attack]!;
  }

  /** How many of the plan's tries are behind it, made or not needed; of one in stages, the share that is. */
  get tries(): number {
    return this.#plan.triesBefore[this.attack]! + this.run + this.#begun;
  }

  get #begun(): number {
    const { attack } = this.planned ?? {};
    return attack && 'stages' in attack ? (this.stage?.done ?? 0) / attack.stages : 0;
  }

  /**
   * Takes down what the next try came to.
   *
   * @param prediction - for the perturbed image
   * @param target - the class that the try aimed at
   */
  judge(prediction: number, target: number | undefined): void {
    const { attack, runs } = this.planned;
    const { name } = attack;
    const matters = this.#canBeBroken;
    this.stage = undefined;
    if (matters) {
      this.brokenIn[name] ??= prediction === this.label ? null : runs[this.run]!.name;
    }
    if (target !== undefined && this.#plan.targetedSuccess) {
      this.hit[name] ||= prediction === target;
    }
    this.run++;
    const decided = (!matters || this.brokenIn[name] !== null) && this.hit[name] !== false;
    if (this.run < runs.length && !(decided && this.#plan.activeSet !== 'off')) return;
    if (this.brokenIn[name] != null) this.brokenBy ??= name;
    this.#nextAttack();
  }

  /** Whether the attack at hand can still make a difference to accuracies. */
  get #canBeBroken(): boolean {
    return (
      this.brokenBy === null ||
      (this.brokenBy !== 'clean' && this.#plan.activeSet !== 'across-attacks')
    );
  }

  #nextAttack(): void {
    this.run = 0;
    do this.attack++;
    while (!this.settled && !this.#isNeeded);
    if (!this.settled) return;
    this.image = new Float32Array(0);
    this.wrongClasses = new Int32Array(0);
  }

  get #isNeeded(): boolean {
    return this.#canBeBroken || (this.planned.targeted && this.#plan.targetedSuccess);
  }
}
