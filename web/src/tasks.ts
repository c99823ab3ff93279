// What is asked of a participant: data with a version, handed in with every file, so that sessions of other versions stay apart.

export const TASKS = 'tasks@1';

export type TaskId = 'picture' | 'animals' | 'vowel' | 'clock' | 'pentagons' | 'spiral';

export type Task =
  | { id: TaskId; by: 'voice'; picture?: 'harbour'; longest_s: number; ends: 'self' | 'time' }
  | { id: TaskId; by: 'ink'; template?: 'pentagons' | 'dot' };

/** In this order: talking first, while the voice is fresh. A time that ends a task is always in sight. */
export const tasks: Task[] = [
  { id: 'picture', by: 'voice', picture: 'harbour', longest_s: 180, ends: 'self' },
  { id: 'animals', by: 'voice', longest_s: 60, ends: 'time' },
  { id: 'vowel', by: 'voice', longest_s: 30, ends: 'self' },
  { id: 'clock', by: 'ink' },
  { id: 'pentagons', by: 'ink', template: 'pentagons' },
  { id: 'spiral', by: 'ink', template: 'dot' },
];
