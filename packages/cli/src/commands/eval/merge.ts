import { writeJson } from '@llr/train';
import type { Command } from 'commander';
import { evaluationTable } from '../../eval/evaluation-table.ts';
import { mergeFiles } from '../../eval/merge-files.ts';
import { jsonOption, withExamples } from '../../options.ts';
import { output } from '../../output.ts';
import { warn } from '../../warn.ts';

interface MergeOptions {
  out: string;
  partial?: boolean;
  json?: boolean;
}

/** `llr eval merge`: join the results of shards. */
export function evalMerge(evalCommand: Command): void {
  const command = evalCommand
    .command('merge')
    .description('join the results of shards (--shard) to that of the whole')
    .argument('<file...>', 'results of llr eval --shard')
    .option('--out <file>', 'where the result goes', 'evaluation.json')
    .option('--partial', 'accept that examples are missing')
    .addOption(jsonOption())
    .action(merge);
  withExamples(command, [
    'llr eval merge evaluation.shard-*.json',
    'llr eval merge evaluation.shard-1-of-4.json evaluation.shard-2-of-4.json --partial --out half.json',
  ]);
}

async function merge(files: string[], { out: file, partial, json = false }: MergeOptions) {
  const out = output(json);
  const whole = await mergeFiles(files, partial === true);
  await writeJson(file, whole);
  warn(file, whole, out);
  process.stdout.write(
    json
      ? `${JSON.stringify(whole, null, 2)}\n`
      : `${evaluationTable(whole.classifier, whole, whole.provenance.threat)}\nResult: ${file}\n`,
  );
}
