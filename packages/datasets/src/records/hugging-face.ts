import { hubEndpoint, request } from './http.ts';

/** A data set on Hugging Face's hub. */
export interface HubDataset {
  /** `'owner/name'` */
  readonly repository: string;
  readonly revision: string;
}

export interface HubFile {
  readonly path: string;
  readonly size: number;
  readonly url: string;
}

/**
 * What `https://huggingface.co/datasets/owner/name` (also with `/tree/revision`) or `hf://datasets/owner/name`
 * (also with `@revision`) names; undefined for anything else.
 */
export function hubDataset(source: string): HubDataset | undefined {
  const page = source.startsWith(`${hubEndpoint()}/`) ? source.slice(hubEndpoint().length) : '';
  const [, repository, revision = 'main'] =
    /^\/datasets\/([\w.-]+\/[\w.-]+?)(?:\/tree\/([\w.-]+))?\/?$/.exec(page) ??
    /^hf:\/\/datasets\/([\w.-]+\/[\w.-]+?)(?:@([\w.-]+))?\/?$/.exec(source) ??
    [];
  return repository === undefined ? undefined : { repository, revision };
}

/** All files of a data set, sorted by path. HF_TOKEN is sent along, which gated data sets need. */
export async function hubFiles({ repository, revision }: HubDataset): Promise<HubFile[]> {
  const hub = hubEndpoint();
  const files: HubFile[] = [];
  let page: string | undefined =
    `${hub}/api/datasets/${repository}/tree/${encodeURIComponent(revision)}?recursive=true`;
  while (page) {
    const response = await request(page);
    const entries = (await response.json()) as { type: string; path: string; size: number }[];
    for (const { type, path, size } of entries) {
      if (type !== 'file') continue;
      const escaped = path.split('/').map(encodeURIComponent).join('/');
      const url = `${hub}/datasets/${repository}/resolve/${encodeURIComponent(revision)}/${escaped}`;
      files.push({ path, size, url });
    }
    page = nextPage(response, hub);
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The hub gives its listings in parts; the header Link names the next one. */
function nextPage(response: Response, hub: string): string | undefined {
  const next = /<([^>]+)>;\s*rel="?next"?/.exec(response.headers.get('link') ?? '')?.[1];
  return next === undefined ? undefined : new URL(next, hub).href;
}
