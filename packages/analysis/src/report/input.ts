import type { Accuracy, Evaluation } from '@llr/attacks';
import type { BoundsReport } from '../bounds-report.ts';
import type { LossSurface } from '../loss-surface.ts';
import type { ObfuscationVerdict } from '../obfuscation/verdict.ts';
import type { Panel } from '../panels.ts';

/** One number followed over training, such as the loss or the training accuracy. */
export interface Curve {
  name: string;
  points: { epoch: number; value: number }[];
}

/** What is known of one network. Whatever is left out is left out of the report. */
export interface ReportNetwork {
  /** Different for each network. */
  name: string;
  evaluation: Evaluation;
  curves: Curve[];
  /** Those of different networks around the same image stand beside one another, on one scale. */
  surfaces?: LossSurface[];
  /** γ(ε, x) of each image, not its root. */
  gammas?: number[];
  bounds?: BoundsReport;
  verdict?: ObfuscationVerdict;
  /** Of the same test images for every network, in the same order. */
  panels?: Panel[];
  /** Of the labels. */
  classNames?: readonly string[];
  /** Name and value of whatever else should be known: configuration, parameters, training time. */
  details: Record<string, string>;
  /** All that it was made with: plain data, shown as JSON. */
  settings?: unknown;
}

export interface ReportInput {
  title: string;
  /** A paragraph of the author's, before the one that is made from the numbers. */
  summary?: string;
  /** In the order of the tables. The first is what the others are compared with. */
  networks: ReportNetwork[];
  /** Of the whole run: versions, engine, seed, times. */
  details: Record<string, string>;
}

/**
 * Refuses what would draw a wrong picture.
 *
 * @throws Error naming the network, the part and the place of what is wrong
 */
export function checkInput({ networks }: ReportInput): void {
  if (networks.length === 0) throw new Error('A report needs at least one network.');
  const names = networks.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new Error(`Two networks of the report are called "${twice}"; give them different names.`);
  }
  for (const network of networks) checkNetwork(network);
}

function checkNetwork(network: ReportNetwork): void {
  const { name, evaluation, curves, surfaces = [], gammas, verdict } = network;
  checkEvaluation(name, evaluation);
  for (const curve of curves) {
    const bad = curve.points.find((p) => !Number.isFinite(p.value) || !Number.isFinite(p.epoch));
    if (bad) {
      throw new Error(
        `The curve "${curve.name}" of ${name} is ${bad.value} at epoch ${bad.epoch}, which can't be drawn. Did the training diverge?`,
      );
    }
  }
  if (verdict) checkVerdict(name, verdict);
  for (const surface of surfaces) checkSurface(surface, name);
  const badGamma = gammas?.findIndex((gamma) => !(gamma >= 0 && gamma < Infinity)) ?? -1;
  if (badGamma >= 0) {
    throw new Error(
      `γ number ${badGamma} of ${name} is ${gammas![badGamma]}; it must be 0 or more.`,
    );
  }
}

/** @throws Error naming an accuracy that is no share */
export function checkEvaluation(name: string, evaluation: Omit<Evaluation, 'examples'>): void {
  const { clean, robust, attacks } = evaluation;
  checkAccuracies(name, [
    { name: 'clean', accuracy: clean },
    ...attacks,
    { name: 'worst case', accuracy: robust },
  ]);
}

function checkVerdict(name: string, { clean, robust, attacks, curves }: ObfuscationVerdict): void {
  checkAccuracies(name, [
    { name: 'clean', accuracy: clean },
    ...attacks,
    { name: 'everything tried', accuracy: robust },
    ...Object.entries(curves).flatMap(([curve, points]) =>
      points.map(({ at, accuracy }) => ({ name: `${curve} ${at}`, accuracy })),
    ),
  ]);
}

function checkAccuracies(
  name: string,
  accuracies: readonly { name: string; accuracy: Accuracy }[],
): void {
  for (const { name: of, accuracy } of accuracies) {
    const numbers = [accuracy.value, ...accuracy.interval];
    if (!numbers.every((value) => value >= 0 && value <= 1)) {
      throw new Error(
        `The accuracy "${of}" of ${name} is ${accuracy.value} (${accuracy.interval.join(' to ')}); shares are from 0 to 1.`,
      );
    }
  }
}

function checkSurface({ values, random, adversarial }: LossSurface, name: string): void {
  const right =
    values.length === random.length && values.every((row) => row.length === adversarial.length);
  if (!right || values.length < 2 || adversarial.length < 2) {
    throw new Error(
      `The loss surface of ${name} must have ${random.length} rows of ${adversarial.length} values, at least 2 of 2.`,
    );
  }
  if (!values.flat().every(Number.isFinite)) {
    throw new Error(`The loss surface of ${name} has a value that is no finite number.`);
  }
}
