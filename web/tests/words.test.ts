import { expect, test } from 'vitest';
import { change, pairs, written } from '../src/review/compared';
import { tasks } from '../src/tasks';
import { filled, words } from '../src/words';

test('both languages leave the same places open, and every task is asked in both', () => {
  const open = (it: unknown): string[] =>
    typeof it === 'string' ? (it.match(/\{\w+\}/g) ?? []) : Object.values(it as object).flatMap(open);
  const [en, ko] = [words('en'), words('ko')];
  for (const key of Object.keys(en) as (keyof typeof en)[]) expect(open(ko[key]).sort(), key).toEqual(open(en[key]).sort());
  for (const { id } of tasks) for (const it of [en, ko]) expect(it.tasks[id].words.length).toBeGreaterThan(10);
  expect(/[가-힣]/.test(Object.values(en).flat().filter((it) => typeof it === 'string').join())).toBe(false);
});

test('words are put where they belong', () => {
  expect(filled('Task {n} of {all}', { n: 2, all: 6 })).toBe('Task 2 of 6');
});

test('sessions are compared measure by measure, and what one of them lacks has no change', () => {
  const report = (values: { name: string; unit: string; value: number | null }[]) =>
    ({ session: { date: null }, conclusion: { kind: 'scored', headline: '', reasons: [], score: null }, performed: [{ task: 'clock', measured: { values } }] });
  const found = pairs(
    report([{ name: 'a', unit: 's', value: 60 }, { name: 'b', unit: 's', value: null }, { name: 'c', unit: 's', value: null }]),
    report([{ name: 'a', unit: 's', value: 72.5 }, { name: 'b', unit: 's', value: 1 }, { name: 'c', unit: 's', value: null }]),
  );
  expect(found.map((it) => [it.name, change(it)])).toEqual([['a', '+12.50'], ['b', '–']]);
  expect([written(0.012345), written(-1234.5), written(null)]).toEqual(['0.0123', '−1235', '–']);
});
