import { library } from '../../tools/tsup.base.ts';

// The worker is beside the rest, from where it is started.
export default library({
  entry: { index: 'src/index.ts', 'decoding-worker': 'src/streams/decoding-worker.ts' },
});
