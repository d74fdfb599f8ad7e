import {
  type CifarForm,
  cifarForms,
  type Downloadable,
  dataFolder,
  downloadable,
  type GetDataOptions,
  getData,
} from '@llr/datasets';
import { Argument, type Command, Option } from 'commander';
import { jsonOption, withExamples } from '../../options.ts';
import { type Output, output } from '../../output.ts';

interface GetOptions {
  to?: string;
  form?: CifarForm;
  from?: string;
  json?: boolean;
}

/** `llr data get`: download a data set, or take it from files at hand. */
export function dataGet(program: Command): void {
  const command = program
    .command('get')
    .description('download a data set; what has arrived is gone on with if it is stopped')
    .addArgument(new Argument('<name>', 'the data set').choices([...downloadable]))
    .option(
      '--to <folder>',
      "where it goes (default: LLR's cache, where --data cifar10 finds it by its name)",
    )
    .addOption(
      new Option(
        '--form <form>',
        'binary (default) and python are the archives of its author, parquet is from Hugging Face, often the fastest host',
      ).choices([...cifarForms]),
    )
    .option('--from <path>', 'the file, or the folder of the files, on a machine without network')
    .addOption(jsonOption())
    .action(get);
  withExamples(command, [
    'llr data get cifar10',
    'llr data get cifar100 --form parquet --to data/cifar100',
    'llr data get cifar10 --from /media/usb/cifar-10-python.tar.gz',
    'LLR_CIFAR10_URL=https://mirror.example/cifar-10-binary.tar.gz llr data get cifar10',
  ]);
}

async function get(name: Downloadable, { json = false, ...given }: GetOptions): Promise<void> {
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  process.once('SIGINT', onInterrupt);
  const progress = showProgress(output(json));
  const options: GetDataOptions = { ...given, signal: stop.signal, onProgress: progress.update };
  const got = await getData(name, options)
    .catch((error: Error) => {
      const atHand = given.from === undefined && !stop.signal.aborted;
      throw atHand ? new Error(`${error.message}\n${otherWays(name)}`, { cause: error }) : error;
    })
    .finally(() => {
      progress.done();
      process.off('SIGINT', onInterrupt);
    });
  if (json) {
    process.stdout.write(`${JSON.stringify(got, null, 2)}\n`);
    return;
  }
  const size = `${(got.bytes / 1e6).toFixed(1)} MB`;
  const verb = got.alreadyThere ? 'is there already' : 'is there';
  const use = got.folder === dataFolder(name) ? name : `${name}:${got.folder}`;
  process.stdout.write(`${name} ${verb}, its checksum is right: ${got.folder} (${size}).\n`);
  process.stdout.write(`Use it with --data ${use}.\n`);
}

const otherWays = (name: Downloadable) =>
  `Other ways: another --form, --from with a file that you have, or LLR_${name.toUpperCase()}_URL with the address of a copy.`;

/** A bar for each file, in MB. */
function showProgress(out: Output) {
  let bar: ReturnType<Output['bar']> | undefined;
  let shown = '';
  let last = 0;
  return {
    update: ({
      file,
      received,
      size,
      url,
    }: Parameters<NonNullable<GetDataOptions['onProgress']>>[0]) => {
      const now = performance.now();
      // Some hundred chunks come in a second.
      if (file === shown && received < size && now - last < 100) return;
      if (file !== shown) {
        bar?.done();
        bar = out.bar(file, 'MB');
        shown = file;
      }
      last = now;
      bar?.update(
        received / 1e6,
        size / 1e6,
        `${(size / 1e6).toFixed(1)} MB from ${new URL(url).host}`,
      );
    },
    done: () => bar?.done(),
  };
}
