// Sessions that are being taken, kept on this machine until they are handed in: a reload, a closed lid or a lost network loses nothing.

import { createStore, del, entries, get, set } from 'idb-keyval';
import type { Language } from './words';
import type { TaskId } from './tasks';
import type { Stroke } from './take/ink';
import type { Capture } from './take/microphone';

/** A file of a task, or what there is of one. */
export interface Taken {
  task: TaskId;
  /** Names the request that hands it in. */
  key: string;
  media: Blob;
  /** Name of the file; its ending says what it is. */
  file: string;
  capture: Record<string, unknown>;
}

/** A session in the making. */
export interface Draft {
  id: string;
  participant: string;
  code: string;
  language: Language;
  started: string;
  /** What was agreed to; nothing before that. */
  consent?: { terms: string; keep: boolean; research: boolean; key: string };
  microphone: 'unknown' | 'works' | 'none';
  practised: boolean;
  taken: Partial<Record<TaskId, Taken>>;
  skipped: TaskId[];
  /** Of the server, once it was made there. */
  session?: string;
  handedIn: TaskId[];
}

const drafts = createStore('inkling', 'drafts');

export const draft = (id: string) => get<Draft>(id, drafts);
export const keep = (it: Draft) => set(it.id, it, drafts);
export const forget = (id: string) => del(id, drafts);
export const all = async () => (await entries<string, Draft>(drafts)).map(([, it]) => it);

// What is being made right now, written as it comes: a second of sound a row, and the strokes there are.
const pieces = createStore('inkling-pieces', 'pieces');
const place = (draft: string, task: TaskId, part: string) => `${draft}/${task}/${part}`;

/** Keeps second `number` of a recording. */
export const keepSound = (draft: string, task: TaskId, number: number, block: Int16Array) =>
  set(place(draft, task, `sound/${String(number).padStart(5, '0')}`), block, pieces);

/** Keeps how a recording is made, when it begins. */
export const keepCapture = (draft: string, task: TaskId, capture: Capture) => set(place(draft, task, 'capture'), capture, pieces);
export const captureOf = (draft: string, task: TaskId) => get<Capture>(place(draft, task, 'capture'), pieces);

/** The seconds of a recording that were kept, in order. */
export async function soundOf(draft: string, task: TaskId): Promise<Int16Array[]> {
  const own = place(draft, task, 'sound/');
  const found = (await entries<string, Int16Array>(pieces)).filter(([key]) => key.startsWith(own));
  return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, block]) => block);
}

export interface Ink {
  strokes: Stroke[];
  started_s: number;
  cleared: number;
}
export const keepInk = (draft: string, task: TaskId, ink: Ink) => set(place(draft, task, 'ink'), ink, pieces);
export const inkOf = (draft: string, task: TaskId) => get<Ink>(place(draft, task, 'ink'), pieces);

/** Forgets what was being made for a task, or for all of a session. */
export async function forgetPieces(draft: string, task?: TaskId): Promise<void> {
  const own = task ? `${draft}/${task}/` : `${draft}/`;
  const keys = (await entries<string, unknown>(pieces)).map(([key]) => key).filter((key) => key.startsWith(own));
  await Promise.all(keys.map((key) => del(key, pieces)));
}
