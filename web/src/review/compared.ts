// Two sessions side by side: every measure that either has, task by task.

import type { Report } from '../api';

export interface Pair {
  task: string;
  name: string;
  unit: string;
  earlier: number | null;
  later: number | null;
}

export function pairs(earlier: Report, later: Report): Pair[] {
  const all = new Map<string, Pair>();
  for (const [side, report] of [['earlier', earlier], ['later', later]] as const) {
    for (const { task, measured } of report.performed) {
      for (const { name, unit, value } of measured?.values ?? []) {
        const key = `${task}/${name}`;
        const pair = all.get(key) ?? { task, name, unit, earlier: null, later: null };
        pair[side] = value ?? null;
        all.set(key, pair);
      }
    }
  }
  return [...all.values()].filter((it) => it.earlier !== null || it.later !== null);
}

/** Four digits that count, as they are written in a table. */
export function written(value: number | null): string {
  if (value === null) return '–';
  const digits = Math.max(0, Math.min(4, 3 - Math.floor(Math.log10(Math.abs(value) || 1))));
  return value.toFixed(digits).replace('-', '−');
}

/** Later less earlier, with its sign. */
export function change(it: Pair): string {
  if (it.earlier === null || it.later === null) return '–';
  const difference = it.later - it.earlier;
  return (difference > 0 ? '+' : '') + written(difference);
}
