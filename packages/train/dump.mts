
import { Session } from '../engine/src/graph/session.ts';
export function dumpNodes() {
  const add = Session.prototype.add;
  Session.prototype.add = function (trace: any) {
    const count = new Map<string, number>();
    const frame = new Map<string, string>();
    for (const n of trace.nodes) {
      let f = '';
      if (n.op === 'Enter' || n.op === 'Merge') f = 'loop';
      if (n.op !== 'Exit') for (const i of n.inputs) { const src = i.replace(/^\^/, '').split(':')[0]; if (frame.get(src) === 'loop') f = 'loop'; }
      frame.set(n.name, f);
      const k = `${f} ${n.op}`;
      count.set(k, (count.get(k) ?? 0) + 1);
    }
    console.log(trace.nodes.length, [...count].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([k, c]) => `${k} ${c}`).join('\n'));
    return add.call(this, trace);
  };
}
