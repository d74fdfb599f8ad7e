/** The known name that is spelt most like another, if any is near: what someone may have meant. */
function closestName(name: string, known: readonly string[]): string | undefined {
  const near = known
    .map((candidate) => ({ candidate, distance: distanceBetween(name, candidate) }))
    .filter(({ distance }) => distance <= Math.max(2, name.length / 2))
    .sort((a, b) => a.distance - b.distance);
  return near[0]?.candidate;
}

/** What to say after “there is no x”: which name may have been meant, and all there are. */
export function namesInstead(name: string, known: readonly string[]): string {
  const meant = closestName(name, known);
  const all = `here ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  return meant === undefined ? `t${all}` : `did you mean ${meant}? T${all}`;
}

/** A beginning is near, however much is missing. */
const distanceBetween = (name: string, candidate: string): number =>
  name.length > 2 && candidate.toLowerCase().startsWith(name.toLowerCase())
    ? 1
    : editDistance(name, candidate);

/** Levenshtein's, whatever the case. */
function editDistance(one: string, other: string): number {
  const from = one.toLowerCase();
  const to = other.toLowerCase();
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
