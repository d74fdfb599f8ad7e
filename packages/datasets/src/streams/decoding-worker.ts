// The thread of a worker: decodes the tasks it is sent until it is told to close.
import { parentPort, workerData } from 'node:worker_threads';
import { Decoder, type DecoderSetup } from './decoder.ts';
import type { WorkerAnswer, WorkerRequest } from './worker-pool.ts';

const { setup, worker } = workerData as { setup: DecoderSetup; worker: number };
const port = parentPort!;
const decoder = await Decoder.open(setup, worker);

port.on('message', async (request: WorkerRequest) => {
  if (request === 'close') {
    await decoder.close();
    port.close();
    return;
  }
  const failed = await decoder.run(request.task);
  port.postMessage({ id: request.id, failed } satisfies WorkerAnswer);
});
