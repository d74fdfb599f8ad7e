import { brokenBy, type Check, correctOnes } from '../evidence.ts';
import { share, surelyAbove } from '../statistics.ts';

/**
 * γ from which on curvature alone can break an example: where the label isn't the likeliest class its probability is at most a
 * half, so its cross-entropy is at least ln 2.
 */
const enough = Math.log(2);

/**
 * A single step seems to leave an example right, while the loss departs from its linearisation in the ball by enough to break it:
 * nothing that the gradient says at the image is worth anything (Fig. F3: γ of ADV-2 is far above that of networks trained by
 * many steps). A hint only: γ is in units of the loss, which the network's confidence scales.
 */
export const localLinearityCheck: Check = ({ evaluation, gammas, attacks: { oneStep } }) => {
  const correct = correctOnes(evaluation);
  const broken = brokenBy(evaluation, oneStep.name);
  const gammaOf = new Map(gammas.map(({ index, gamma }) => [index, gamma]));
  const hiding = correct.filter(
    ({ index }) => !broken.has(index) && (gammaOf.get(index) ?? 0) >= enough,
  ).length;
  const failed = surelyAbove(hiding, correct.length, 1 / 2);
  const seen = `${share(hiding, correct.length)} of the correctly classified examples withstand a single step though the loss departs by ln 2 or more from its linearisation somewhere in the ball (γ ≥ ln 2), which alone can break them`;
  return {
    check: 'local linearity',
    weight: 'hint',
    outcome: failed ? 'failed' : 'passed',
    text: failed
      ? `${seen}: gradients at the images say little about the ball around them.`
      : `${seen}.`,
  };
};
