import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import * as kept from '../src/kept';

test('seconds of sound come back in order, apart from those of other tasks, until they are forgotten', async () => {
  for (const number of [10, 0, 2, 1]) await kept.keepSound('d', 'picture', number, Int16Array.of(number));
  await kept.keepSound('d', 'animals', 0, Int16Array.of(99));
  expect((await kept.soundOf('d', 'picture')).map((it) => it[0])).toEqual([0, 1, 2, 10]);
  await kept.forgetPieces('d', 'picture');
  expect(await kept.soundOf('d', 'picture')).toEqual([]);
  expect(await kept.soundOf('d', 'animals')).toHaveLength(1);
  await kept.forgetPieces('d');
  expect(await kept.soundOf('d', 'animals')).toEqual([]);
});

test('a session that was begun is there when the page is opened again', async () => {
  const draft: kept.Draft = { id: 'd1', participant: 'p', code: 'P-1', language: 'ko', started: '2026-11-24T09:00:00Z', microphone: 'works', practised: true, taken: {}, skipped: ['vowel'], handedIn: [] };
  await kept.keep(draft);
  expect(await kept.draft('d1')).toEqual(draft);
  expect(await kept.all()).toHaveLength(1);
  await kept.forget('d1');
  expect(await kept.all()).toEqual([]);
});
