// A drawing as it came: every report of the pen, between frames too, with its own time, pressure and tilt. The format is docs/ink-format.md.

export interface Stroke {
  x: number[];
  y: number[];
  /** Seconds on the page's clock. */
  t: number[];
  /** Pressure from 0 to 1; only where the device reports it. */
  p?: number[];
  /** Degrees from upright. */
  tilt?: number[];
  air?: true;
}

/** Degrees from upright of a pen's tilt about x and y (Pointer Events 3, § converting between tilt and altitude). */
export function upright(tiltX: number, tiltY: number): number {
  const [x, y] = [tiltX, tiltY].map((it) => Math.tan((Math.min(Math.abs(it), 89.9) * Math.PI) / 180)) as [number, number];
  return (Math.atan(Math.hypot(x, y)) * 180) / Math.PI;
}

/** Gathers strokes from pointer events. `at` says where on the sheet an event is. */
export class Pen {
  strokes: Stroke[];
  private touching: number | undefined;
  private open: Stroke | undefined;
  private hover: Stroke | undefined;
  private seen = new Set<string>();

  constructor(
    strokes: Stroke[],
    private readonly at: (event: PointerEvent) => { x: number; y: number },
  ) {
    this.strokes = strokes;
  }

  /** The stroke that is being drawn. */
  get current(): Stroke | undefined {
    return this.open;
  }

  /** Whether this pointer draws: once a pen was seen, a hand that rests on the sheet does not. */
  private draws(event: PointerEvent): boolean {
    this.seen.add(event.pointerType);
    return !(event.pointerType === 'touch' && this.seen.has('pen'));
  }

  down(event: PointerEvent): boolean {
    if (this.touching !== undefined || event.button !== 0 || !this.draws(event)) return false;
    this.lift();
    this.touching = event.pointerId;
    this.open = { x: [], y: [], t: [], ...(event.pointerType === 'pen' ? { p: [], tilt: [] } : {}) };
    this.add(this.open, event);
    return true;
  }

  move(event: PointerEvent): void {
    const reports = event.getCoalescedEvents?.() ?? [];
    const all = reports.length > 0 ? reports : [event];
    if (event.pointerId === this.touching && this.open) {
      for (const it of all) this.add(this.open, it);
    } else if (this.touching === undefined && event.pointerType === 'pen' && event.buttons === 0 && this.strokes.length > 0) {
      this.hover ??= { x: [], y: [], t: [], air: true };
      for (const it of all) this.add(this.hover, it);
    }
  }

  up(event: PointerEvent): boolean {
    if (event.pointerId !== this.touching || !this.open) return false;
    this.strokes.push(this.open);
    this.touching = this.open = undefined;
    return true;
  }

  /** The pen left the sheet, or touches it again: what it did above it is a stroke in the air. */
  private lift(): void {
    if (this.hover && this.hover.x.length > 1) this.strokes.push(this.hover);
    this.hover = undefined;
  }

  private add(stroke: Stroke, event: PointerEvent): void {
    const { x, y } = this.at(event);
    const last = stroke.t.at(-1) ?? this.strokes.at(-1)?.t.at(-1) ?? 0;
    stroke.x.push(Math.round(x * 100) / 100);
    stroke.y.push(Math.round(y * 100) / 100);
    // Reports that were gathered late may be stamped before one that was not: time only goes forward.
    stroke.t.push(Math.max(last, Math.round(event.timeStamp * 100) / 100_000));
    stroke.p?.push(Math.round(event.pressure * 10_000) / 10_000);
    stroke.tilt?.push(Math.round(upright(event.tiltX, event.tiltY) * 10) / 10);
  }

  clear(): void {
    this.strokes = [];
    this.open = this.hover = this.touching = undefined;
  }
}

/** The file of a drawing. */
export function inkFile(strokes: Stroke[], sheet: [number, number], started_s: number, device: string): Blob {
  const pen = strokes.some((it) => it.p);
  const file = {
    format: 'ink',
    version: 1,
    device,
    sheet,
    task_started_s: started_s,
    ...(pen ? { pressure_full: 1 } : {}),
    pen_up_reported: strokes.some((it) => it.air),
    strokes,
  };
  return new Blob([JSON.stringify(file)], { type: 'application/json' });
}
