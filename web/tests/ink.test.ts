import { expect, test } from 'vitest';
import { inkFile, Pen, upright } from '../src/take/ink';

type Part = Partial<PointerEvent>;
const event = (part: Part) => ({ pointerId: 1, pointerType: 'pen', button: 0, buttons: 1, pressure: 0.5, tiltX: 0, tiltY: 0, ...part }) as PointerEvent;
const at = (it: PointerEvent) => ({ x: it.clientX, y: it.clientY });

test('reports between frames are kept with their own times, and time only goes forward', () => {
  const pen = new Pen([], at);
  pen.down(event({ clientX: 0, clientY: 0, timeStamp: 1000 }));
  const between = [event({ clientX: 1, clientY: 1, timeStamp: 1004 }), event({ clientX: 2, clientY: 2, timeStamp: 1002 }), event({ clientX: 3, clientY: 2.126, timeStamp: 1012 })];
  pen.move(event({ clientX: 9, clientY: 9, timeStamp: 1016, getCoalescedEvents: () => between }));
  expect(pen.up(event({ timeStamp: 1020 }))).toBe(true);
  expect(pen.strokes).toEqual([{ x: [0, 1, 2, 3], y: [0, 1, 2, 2.13], t: [1, 1.004, 1.004, 1.012], p: [0.5, 0.5, 0.5, 0.5], tilt: [0, 0, 0, 0] }]);
});

test('what a pen does above the sheet between two strokes is a stroke in the air', () => {
  const pen = new Pen([], at);
  const stroke = (from: number) => {
    pen.down(event({ clientX: from, clientY: 0, timeStamp: from }));
    pen.move(event({ clientX: from + 5, clientY: 0, timeStamp: from + 5 }));
    pen.up(event({ timeStamp: from + 6 }));
  };
  pen.move(event({ buttons: 0, clientX: 0, clientY: 0, timeStamp: 1 })); // before the first touch nothing is kept
  stroke(100);
  for (const t of [110, 120, 130]) pen.move(event({ buttons: 0, clientX: t, clientY: 9, timeStamp: t }));
  stroke(200);
  expect(pen.strokes.map((it) => [it.air ?? false, it.x.length])).toEqual([[false, 2], [true, 3], [false, 2]]);
});

test('once a pen was seen a resting hand does not draw, nor does a second finger', () => {
  const pen = new Pen([], at);
  expect(pen.down(event({ pointerType: 'touch', clientX: 0, clientY: 0, timeStamp: 1 }))).toBe(true);
  expect(pen.down(event({ pointerType: 'touch', pointerId: 2, timeStamp: 2 }))).toBe(false);
  pen.up(event({ pointerType: 'touch', timeStamp: 3 }));
  pen.down(event({ pointerId: 3, clientX: 0, clientY: 0, timeStamp: 4 }));
  pen.up(event({ pointerId: 3, timeStamp: 5 }));
  expect(pen.down(event({ pointerType: 'touch', pointerId: 4, timeStamp: 6 }))).toBe(false);
});

test('a finger has no pressure, and the file says of the pen what there was', async () => {
  const pen = new Pen([], at);
  pen.down(event({ pointerType: 'touch', clientX: 1, clientY: 2, timeStamp: 10 }));
  pen.up(event({ pointerType: 'touch', timeStamp: 20 }));
  const file = JSON.parse(await inkFile(pen.strokes, [300, 200], 0.005, 'a tablet').text());
  expect(file).toMatchObject({ format: 'ink', version: 1, device: 'a tablet', sheet: [300, 200], pen_up_reported: false, task_started_s: 0.005 });
  expect(file).not.toHaveProperty('pressure_full');
  expect(file.strokes).toEqual([{ x: [1], y: [2], t: [0.01] }]);
});

test('tilt is degrees from upright', () => {
  expect(upright(0, 0)).toBe(0);
  expect(upright(30, 0)).toBeCloseTo(30, 9);
  expect(upright(45, 45)).toBeCloseTo(54.7356, 3);
});
