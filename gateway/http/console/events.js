// Facts of calls from two sources, the file and the live stream, as one list. Pure.

/** All of `known` and `more` once each, in order of time; equal times keep their order. */
export function merged(known, more) {
  const found = new Map();
  for (const fact of [...known, ...more]) {
    const { call_id: _, ...rest } = fact;
    const key = JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
    if (!found.has(key)) found.set(key, fact);
  }
  return [...found.values()].sort((a, b) => a.at - b.at);
}
