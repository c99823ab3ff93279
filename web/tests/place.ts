// A server in a folder of its own, and a browser whose microphone is a file.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { wav } from '../src/take/microphone';

export const PASSWORD = 'correct horse battery';
const RATE = 48_000;

/** Twenty seconds of something like speech: syllables of a voice at 150 Hz, with two long pauses. */
async function speech(): Promise<Buffer> {
  const samples = Int16Array.from({ length: 20 * RATE }, (_, it) => {
    const t = it / RATE;
    const pause = (t > 6 && t < 7.5) || (t > 13 && t < 14);
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 4 * t));
    const f0 = 150 + 20 * Math.sin(2 * Math.PI * 0.5 * t);
    const voice = [1, 2, 3, 4, 5, 6].reduce((sum, k) => sum + Math.sin(2 * Math.PI * k * f0 * t) / k, 0);
    return Math.round(32768 * ((pause ? 0 : 0.12 * syllable * voice) + 0.0005 * (Math.random() - 0.5)));
  });
  return Buffer.from(await wav([samples], RATE).arrayBuffer());
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}

export class Place {
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private server: ChildProcess,
    readonly browser: Browser,
  ) {}

  static async open(program: string): Promise<Place> {
    const folder = mkdtempSync(join(tmpdir(), 'inkling-'));
    const sound = join(folder, 'speech.wav');
    writeFileSync(sound, await speech());
    const listen = `127.0.0.1:${await freePort()}`;
    const server = spawn(program, ['serve', '--folder', join(folder, 'clinic'), '--listen', listen], { stdio: 'ignore' });
    const url = `http://${listen}`;
    for (let attempt = 0; !(await fetch(`${url}/readyz`).catch(() => null))?.ok; attempt++) {
      if (attempt > 200) throw new Error('the server does not answer');
      await new Promise((later) => setTimeout(later, 50));
    }
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${sound}`],
    });
    return new Place(url, folder, server, browser);
  }

  async close(): Promise<void> {
    await this.browser.close();
    const gone = new Promise((it) => this.server.once('exit', it));
    this.server.kill();
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What axe finds wrong with what is shown now (WCAG 2.2 A and AA and good practice). */
export async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  return found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(' ')}`);
}

/** Draws with a pen through the DevTools protocol: points in shares of the sheet, with a pressure that rises and falls. */
export async function draw(page: Page, strokes: [number, number][][]): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const box = (await page.locator('svg[role=img]').last().boundingBox())!;
  for (const stroke of strokes) {
    for (const [place, [x, y]] of stroke.entries()) {
      const type = place === 0 ? 'mousePressed' : 'mouseMoved';
      const at = { x: box.x + x * box.width, y: box.y + y * box.height };
      const force = 0.2 + 0.6 * Math.sin((Math.PI * (place + 1)) / (stroke.length + 1));
      await devtools.send('Input.dispatchMouseEvent', { type, ...at, button: 'left', buttons: 1, clickCount: 1, pointerType: 'pen', force, tiltX: 20, tiltY: 10 });
    }
    const [x, y] = stroke.at(-1)!;
    const at = { x: box.x + x * box.width, y: box.y + y * box.height };
    await devtools.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at, button: 'left', buttons: 0, clickCount: 1, pointerType: 'pen' });
  }
  await devtools.detach();
}
