import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { namespaces, run } from '../../tools/mpi/mpirun.ts';
import { requires } from '../../tools/requires.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const slurm = join(root, 'tools/mpi/slurm.sh');
const page = readFileSync(join(root, 'docs/cluster.md'), 'utf8');
const block = (language: string): string =>
  new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(page)![1]!;

/** Inside the repository, so that a config finds the packages from there. */
const project = join(root, `coverage/cluster-${process.pid}`);
const written = (name: string, text: string) => {
  const file = join(project, name);
  writeFileSync(file, text);
  return file;
};

/** A project as somebody on a cluster has it, but for the experiment, which trains in a second. */
beforeAll(() => {
  mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
  written('package.json', '{ "name": "project", "private": true }');
  const llr = written(
    'node_modules/.bin/llr',
    `#!/bin/sh
export LLR_ENGINE=cpu
exec '${process.execPath}' --conditions @llr/source --import '${import.meta.resolve('tsx')}' '${root}packages/cli/src/bin.ts' "$@"
`,
  );
  chmodSync(llr, 0o755);
  written(
    'llr.config.ts',
    `import stripes from '${root}packages/cli/test/fixtures/stripes.config.ts';
export default { ...stripes, name: 'mine', variants: { nominal: {} } };
`,
  );
});
afterAll(() => rmSync(project, { recursive: true }));

const results = (folder: string) =>
  ['run.json', 'model/model.safetensors', 'evaluation.json'].map((file) =>
    existsSync(join(folder, 'nominal', file)),
  );

/** Hosts of these tests, whose names are theirs alone. */
const hosts = (name: string) => ({ LLR_HOSTS: `${name}${process.pid}` });

test('the job of the page runs on two nodes of Slurm', async ({ skip }) => {
  requires('openmpi', skip);
  requires('namespaces', skip);
  requires('slurm', skip);
  const env = { ...hosts('slurm'), SLURM_FOLDER: join(project, 'slurm') };
  const job = written('job.sh', block('bash').replace('--suite standard', '--suite quick'));
  try {
    expect(await run(slurm, ['up', '2'], env)).toMatchObject({ code: 0 });
    const fewer = ['--ntasks-per-node=1', `--chdir=${project}`];
    const done = await run(slurm, ['job', ...fewer, job], env);
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toContain(`2 processes: Open MPI`);
    expect(done.stdout).toContain(`rank 0 of 2 on ${env.LLR_HOSTS}-1`);
    expect(results(join(project, 'runs/mine'))).toEqual([true, true, true]);
  } finally {
    await run(slurm, ['down'], env);
  }
});

interface MpiJob {
  spec: {
    slotsPerWorker: number;
    mpiReplicaSpecs: Record<'Launcher' | 'Worker', { replicas: number; template: Template }>;
  };
}
interface Template {
  spec: { containers: { command?: string[]; args?: string[]; resources?: { limits: object } }[] };
}

test('the MPIJob of the page starts a rank for each GPU, and its command runs on two hosts', async ({
  skip,
}) => {
  const { spec } = parse(block('yaml')) as MpiJob;
  const { Launcher, Worker } = spec.mpiReplicaSpecs;
  const [worker] = Worker.template.spec.containers;
  expect(worker!.resources!.limits).toEqual({ 'nvidia.com/gpu': spec.slotsPerWorker });
  const [{ command, args }] = Launcher.template.spec.containers as [
    { command: string[]; args: string[] },
  ];

  const mpirun = requires('openmpi', skip);
  requires('namespaces', skip);
  const env = hosts('pod');
  const names = Array.from({ length: Worker.replicas }, (_, i) => `${env.LLR_HOSTS}-${i + 1}`);
  // As the operator does for Open MPI, with one slot instead of four, and ssh as it is here.
  const operator = {
    OMPI_MCA_orte_keep_fqdn_hostnames: 'true',
    OMPI_MCA_orte_default_hostfile: written(
      'hostfile',
      names.map((one) => `${one} slots=1\n`).join(''),
    ),
    OMPI_MCA_plm_rsh_agent: namespaces,
  };
  expect(command).toEqual(['mpirun']);
  try {
    expect(await run(namespaces, ['up', `${names.length}`], env)).toMatchObject({ code: 0 });
    const inProject = [
      'sh',
      '-c',
      'cd "$0" && exec "$@"',
      project,
      mpirun,
      ...args,
      '--out',
      'pods',
    ];
    const done = await run(namespaces, ['run', names[0]!, ...inProject], { ...env, ...operator });
    expect(done.stderr).toContain(`rank 0 of 2 on ${names[0]}`);
    expect(done).toMatchObject({ code: 0 });
    expect(results(join(project, 'pods'))).toEqual([true, true, true]);
  } finally {
    await run(namespaces, ['down'], env);
  }
});
