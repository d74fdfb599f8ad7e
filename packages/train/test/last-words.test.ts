import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('fixtures/last-words.ts', import.meta.url));

/** What stderr has got when a process that was killed, and all that it started, are gone. */
function saidAfterKill(how: string): Promise<{ pid: number; stderr: string }> {
  const options = ['--import', import.meta.resolve('tsx'), '--conditions', '@llr/source'];
  const child = spawn(process.execPath, [...options, program, how]);
  let stderr = '';
  child.stdout.on('data', () => child.kill('SIGKILL'));
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((done) => child.on('close', () => done({ pid: child.pid!, stderr })));
}

describe('last words', () => {
  it('are said when the process is killed: which process is which rank, and what is kept', async () => {
    const { pid, stderr } = await saidAfterKill('kept');
    expect(stderr).toContain('llr: Training was ended from outside');
    expect(stderr).toContain(
      `rank 0 of 2 on a is process ${pid}, rank 1 of 2 on b is process ${pid}. Step 2 is kept.`,
    );
    expect(stderr).not.toContain('Step 1');
  });

  it('are not said once they are taken back', async () => {
    expect((await saidAfterKill('back')).stderr).toBe('');
  });
});
