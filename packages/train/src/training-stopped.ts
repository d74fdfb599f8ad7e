/** Training was asked to stop by its signal, and can be gone on with. */
export class TrainingStopped extends Error {
  override readonly name = 'TrainingStopped';
  /** Steps done. */
  readonly step: number;
  /** The folder of the checkpoint to go on from; none, where training had not begun. */
  readonly checkpoint: string | undefined;

  constructor(step: number, steps: number, checkpoint: string | undefined) {
    const kept = checkpoint ? ` ${checkpoint} holds everything up to there.` : '';
    super(
      `Training stopped after step ${step} of ${steps}.${kept} To go on: llr train --resume (in code, resume: true).`,
    );
    this.step = step;
    this.checkpoint = checkpoint;
  }
}
