// A newcomer opens the page of a new server, makes the accounts, and takes a whole session in either language.

import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filled, words, type Language } from '../src/words';
import { draw, faults, PASSWORD, Place } from './place';

const program = process.env.INKLING;
if (!program) console.log('skipped: a session in a browser; INKLING names no program');
const shots = process.env.SCREENSHOTS;
if (shots) mkdirSync(shots, { recursive: true });

let place: Place;
beforeAll(async () => {
  if (program) place = await Place.open(program);
});
afterAll(() => place?.close());

/** Nothing is wrong with what is shown, and it can be looked at. */
async function seen(page: Page, name: string) {
  expect(await faults(page), name).toEqual([]);
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
}

const circle = (points: number, x: number, y: number, r: number): [number, number][] =>
  Array.from({ length: points + 1 }, (_, it) => [x + r * Math.cos((2 * Math.PI * it) / points), y + 1.4 * r * Math.sin((2 * Math.PI * it) / points)]);
const clock = [
  circle(60, 0.5, 0.5, 0.28),
  ...Array.from({ length: 12 }, (_, it): [number, number][] => {
    const [x, y] = [0.5 + 0.22 * Math.sin((Math.PI * (it + 1)) / 6), 0.5 - 0.31 * Math.cos((Math.PI * (it + 1)) / 6)];
    return [[x, y - 0.02], [x + 0.004, y], [x, y + 0.02]];
  }),
  [[0.5, 0.5], [0.46, 0.42], [0.42, 0.36]] as [number, number][],
  [[0.5, 0.5], [0.58, 0.44], [0.66, 0.38]] as [number, number][],
];
const pentagon: [number, number][][] = [[[0.6, 0.3], [0.7, 0.4], [0.67, 0.55], [0.58, 0.55], [0.55, 0.4], [0.6, 0.3]]];
const spiral: [number, number][][] = [
  Array.from({ length: 180 }, (_, it) => [0.5 + 0.0012 * it * Math.cos(it / 9), 0.5 + 0.0016 * it * Math.sin(it / 9)] as [number, number]),
];

async function setUp(page: Page, w: ReturnType<typeof words>) {
  await page.goto(place.url);
  await page.getByText(w.setUpTitle).waitFor();
  await seen(page, 'set-up');
  await page.getByLabel(w.organisation).fill('Memory clinic');
  const [names, secrets] = [page.getByLabel(w.login, { exact: true }), page.getByLabel(w.password)];
  await names.nth(0).fill('admin');
  await secrets.nth(0).fill(PASSWORD);
  await names.nth(1).fill('han');
  await secrets.nth(1).fill(PASSWORD);
  await page.getByRole('button', { name: w.begin }).click();
  await page.getByRole('heading', { name: w.participants }).waitFor();
}

async function talk(page: Page, w: ReturnType<typeof words>, task: 'picture' | 'animals' | 'vowel', seconds: number, name: string, stops = true) {
  await page.getByRole('heading', { name: w.tasks[task].title }).waitFor();
  await seen(page, `${name}-${task}`);
  await page.getByRole('button', { name: w.start }).click();
  await page.getByText(w.recording).waitFor();
  await page.waitForTimeout(1000 * seconds);
  if (task === 'animals') await seen(page, `${name}-${task}-recording`);
  if (stops) await page.getByRole('button', { name: w.stop }).click();
}

async function take(page: Page, w: ReturnType<typeof words>, language: Language) {
  await page.getByRole('button', { name: w.takeSession }).click();
  await page.getByRole('heading', { name: w.consentTitle }).waitFor();
  await seen(page, `${language}-consent`);
  expect(await page.getByRole('button', { name: w.next }).isDisabled(), 'nobody goes on without agreeing').toBe(true);
  await page.getByLabel(w.consentAgree).check();
  await page.getByRole('button', { name: w.next }).click();
  await page.getByRole('button', { name: w.microphoneAllow }).click();
  await page.getByText(w.microphoneGood).waitFor({ timeout: 15_000 });
  await seen(page, `${language}-microphone`);
  await page.getByRole('button', { name: w.next }).click();
  await talk(page, w, 'picture', 9, language);
  // A reload in the middle of a recording loses nothing but its last second.
  await talk(page, w, 'animals', 3.5, language, false);
  await page.reload();
  await page.getByRole('button', { name: w.useIt }).waitFor();
  await seen(page, `${language}-broken-off`);
  await page.getByRole('button', { name: w.useIt }).click();
  await talk(page, w, 'vowel', 4, language);
  await page.getByRole('heading', { name: w.practiceDone }).waitFor();
  await draw(page, [circle(20, 0.5, 0.5, 0.2)]);
  await page.getByRole('button', { name: w.next }).click();
  for (const [task, strokes] of [['clock', clock], ['pentagons', pentagon], ['spiral', spiral]] as const) {
    await page.getByRole('heading', { name: w.tasks[task].title }).waitFor();
    await draw(page, strokes);
    if (task === 'clock') {
      await page.reload();
      await page.getByRole('heading', { name: w.tasks.clock.title }).waitFor();
      await page.waitForFunction((many) => document.querySelectorAll('svg[role=img] path').length > many, strokes.length - 1);
    }
    await seen(page, `${language}-${task}`);
    await page.getByRole('button', { name: w.done }).click();
  }
  await page.getByRole('button', { name: w.handIn }).waitFor();
  await seen(page, `${language}-hand-in`);
}

test.skipIf(!program)('a whole session in English and in Korean, each read, the two compared, one signed', async () => {
  const context = await place.browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en' });
  const page = await context.newPage();
  const broken: string[] = [];
  page.on('console', (it) => it.type() === 'error' && broken.push(it.text()));
  page.on('pageerror', (it) => broken.push(String(it)));
  const outside: string[] = [];
  page.on('request', (it) => !it.url().startsWith(place.url) && !/^(blob|data):/.test(it.url()) && outside.push(it.url()));

  const en = words('en');
  await setUp(page, en);
  await page.getByRole('button', { name: en.newParticipant }).click();
  await page.getByLabel(en.birthYear).fill('1951');
  await page.getByLabel(en.education).fill('9');
  await page.getByLabel(en.sex).selectOption('female');
  await seen(page, 'new-participant');
  await page.getByRole('button', { name: en.save }).click();
  await page.getByText(en.noSession).waitFor();
  const person = page.url();

  for (const language of ['en', 'ko'] as const) {
    await page.goto(person);
    await page.getByLabel(en.language).selectOption(language);
    const w = words(language);
    await page.getByRole('button', { name: en.takeSession }).waitFor();
    await take(page, { ...w, takeSession: en.takeSession }, language);
    if (language === 'ko') {
      // The network goes while it is handed in; everything is still there when it comes back.
      await context.setOffline(true);
      await page.getByRole('button', { name: w.handIn }).click();
      await page.getByText(en.offline).waitFor();
      await context.setOffline(false);
      broken.length = 0;
    }
    await page.getByRole('button', { name: w.handIn }).click();
    await page.frameLocator('iframe').getByText('It does not diagnose').first().waitFor({ timeout: 60_000 });
    await seen(page, `${language}-report`);
  }
  await page.getByLabel(en.signNote).fill('Seen. Repeat in six months.');
  await page.getByRole('button', { name: en.sign, exact: true }).click();
  await page.getByText('Repeat in six months.').waitFor();

  await page.goto(person);
  const picks = page.getByRole('checkbox');
  await picks.nth(0).check();
  await picks.nth(1).check();
  await seen(page, 'participant');
  await page.getByRole('button', { name: en.compare }).click();
  await page.getByRole('columnheader', { name: en.difference }).first().waitFor();
  await seen(page, 'compare');
  expect(await page.getByRole('row').count()).toBeGreaterThan(100);
  expect(broken, 'nothing is logged as an error').toEqual([]);
  expect(outside, 'nothing is asked of another machine').toEqual([]);
});

test.skipIf(!program)('a wrong password is refused in words, and signing out ends it', async () => {
  const page = await place.browser.newPage({ locale: 'ko' });
  const ko = words('ko');
  await page.goto(place.url);
  await page.getByLabel(ko.login, { exact: true }).fill('han');
  await page.getByLabel(ko.password).fill('not the password');
  await page.getByRole('button', { name: ko.signIn }).click();
  await page.getByRole('alert').getByText(ko.problem).waitFor();
  await seen(page, 'ko-wrong-password');
  await page.getByLabel(ko.password).fill(PASSWORD);
  await page.getByRole('button', { name: ko.signIn }).click();
  await page.getByRole('heading', { name: ko.participants }).waitFor();
  await seen(page, 'ko-participants');
  expect(filled(ko.taskOf, { n: 1, all: 6 })).toContain('1');
  await page.getByRole('button', { name: ko.signOut }).click();
  await page.getByRole('button', { name: ko.signIn }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: ko.signIn }).waitFor();
});
