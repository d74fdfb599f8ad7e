import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { bin, llrHere, sourceArguments } from './llr.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-data-'));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

async function serve(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer({}, handler);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/cifar-10-binary.tar.gz`;
}

const content = Buffer.alloc(100_000, 'cifar');
vi.mock(import('../../datasets/src/download/published.ts'), async (original) => {
  const real = await original();
  const { createHash: hash } = await import('node:crypto');
  const size = 100_000;
  const sha256 = hash('sha256').update(Buffer.alloc(size, 'cifar')).digest('hex');
  const file = { path: 'cifar-10-binary.tar.gz', size, sha256, urls: [] };
  return { ...real, published: { cifar10: { binary: [file], python: [], parquet: [] } } as never };
});

describe('llr data get', () => {
  it('downloads, checks, and says how to use it', async () => {
    const to = join(root, 'here');
    vi.stubEnv('LLR_CIFAR10_URL', await serve((_, response) => response.end(content)));
    const { code, stdout, stderr } = await llrHere(['data', 'get', 'cifar10', '--to', to]);
    expect([code, stdout]).toEqual([
      0,
      `cifar10 is there, its checksum is right: ${to} (0.1 MB).\nUse it with --data cifar10:${to}.\n`,
    ]);
    expect(stderr).toMatch(
      /cifar-10-binary\.tar\.gz .*100 % .* MB\/s .* left .* from 127\.0\.0\.1/,
    );
    expect(readFileSync(join(to, 'cifar-10-binary.tar.gz'))).toEqual(content);
    const again = await llrHere(['data', 'get', 'cifar10', '--to', to, '--json']);
    expect(again.stderr).toBe('');
    expect(JSON.parse(again.stdout)).toMatchObject({ folder: to, alreadyThere: true });
  });

  it('needs no network for files at hand, and says how to use what is in the cache', async () => {
    vi.stubEnv('LLR_CACHE', join(root, 'cache'));
    const from = join(root, 'file');
    writeFileSync(from, content);
    const { code, stdout } = await llrHere(['data', 'get', 'cifar10', '--from', from]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nUse it with --data cifar10\.\n$/);
    expect(readdirSync(join(root, 'cache', 'data', 'cifar10'))).toEqual(['cifar-10-binary.tar.gz']);
  });

  it('shows both sums of a wrong file, removes it, and names other ways', async () => {
    const to = join(root, 'wrong');
    const wrong = Buffer.alloc(content.length);
    vi.stubEnv('LLR_CIFAR10_URL', await serve((_, response) => response.end(wrong)));
    const { code, stdout, stderr } = await llrHere(['data', 'get', 'cifar10', '--to', to]);
    const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`removed: sha256 ${sum(wrong)}, not ${sum(content)}`);
    expect(stderr).toMatch(/Other ways: another --form, --from with a file .* LLR_CIFAR10_URL/);
    expect(readdirSync(to)).toEqual([]);
  });

  it.each([
    [['imagenet'], /imagenet.*cifar10, cifar100/],
    [['cifar10', '--form', 'zip'], /zip.*binary, python, parquet/],
    [[], /missing required argument 'name'/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await llrHere(['data', 'get', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('leaves what has arrived at Ctrl-C, and goes on from there', async () => {
    // A process of its own has the published size, of which the server sends the first megabytes.
    const size = 170_052_171;
    const sent = Buffer.alloc(3_000_000, 7);
    const ranges: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      ranges.push(request.headers.range);
      if (request.headers.range) return void response.writeHead(404).end();
      response.writeHead(200, { etag: '"cifar"', 'content-length': size });
      response.write(sent);
    });
    const to = join(root, 'stopped');
    const run = (interrupt: boolean) =>
      new Promise<{ code: number | null; stderr: string }>((done) => {
        const child = spawn(
          process.execPath,
          [...sourceArguments, bin, 'data', 'get', 'cifar10', '--to', to],
          {
            env: { ...process.env, LLR_CIFAR10_URL: url },
          },
        );
        let stderr = '';
        child.stderr.on('data', (text) => {
          stderr += text;
        });
        const part = join(to, 'cifar-10-binary.tar.gz.part');
        const watch = setInterval(() => {
          const { length } = readOr(part);
          if (interrupt && length === sent.length) {
            clearInterval(watch);
            child.kill('SIGINT');
          }
        }, 50);
        child.on('close', (code) => {
          clearInterval(watch);
          done({ code, stderr });
        });
      });
    const stopped = await run(true);
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain(
      'Stopped after 3.0 of 170.1 MB; the same command goes on from there.',
    );
    expect(readdirSync(to).sort()).toEqual([
      'cifar-10-binary.tar.gz.part',
      'cifar-10-binary.tar.gz.part.json',
    ]);
    const second = await run(false);
    expect(second.stderr).toContain('3.0 of 170.1 MB are kept');
    expect(ranges).toEqual([undefined, 'bytes=3000000-']);
  });
});

function readOr(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
