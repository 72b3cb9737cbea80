/** The figures of a benchmark: percentiles of samples, and ratios to peers of the same run. */

/** @returns the value below which `share` (0–1) of the samples lie; nearest rank */
export function percentile(samples, share) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

/**
 * One row of the bench's JSON.
 *
 * @param peers {name: samples}; `ratio` = ours / peer, of the medians
 */
export function row(name, unit, samples, peers = {}, note = undefined) {
  const round = (value) => Math.round(value * 1000) / 1000;
  const p50 = percentile(samples, 0.5);
  return {
    name,
    unit,
    samples: samples.length,
    p50: round(p50),
    p95: round(percentile(samples, 0.95)),
    p99: round(percentile(samples, 0.99)),
    ...(Object.keys(peers).length > 0 && {
      peers: Object.entries(peers).map(([peer, values]) => {
        const median = percentile(values, 0.5);
        return { name: peer, p50: round(median), ratio: round(p50 / median) };
      }),
    }),
    ...(note && { note }),
  };
}
