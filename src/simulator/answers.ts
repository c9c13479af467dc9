/** An answer before the simulator's own headers are added. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal of a call: thrown where the rule stands, answered by the simulator. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly extra: Readonly<Record<string, string>>;
  constructor(status: number, text: string, extra: Readonly<Record<string, string>> = {}) {
    super(text);
    this.status = status;
    this.extra = extra;
  }
}

/** A refusal to throw: status, Fly's error text, and fields beside it. */
export function refuse(status: number, text: string, extra?: Readonly<Record<string, string>>): Refusal {
  return new Refusal(status, text, extra);
}

/** The error shape of the Machines API (fly-go@22d6e51 flaps/flaps_error.go). */
export function errorAnswer(status: number, error: string, extra: Readonly<Record<string, string>> = {}): Answer {
  return json(status, { error, ...extra });
}

/** An answer whose body is a value as JSON. */
export function json(status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value) };
}

/** A 200 whose body is JSON already. */
export function raw(body: string): Answer {
  return { status: 200, body };
}

/** What Fly says to most writes that have nothing to show. */
export const OK: Answer = json(200, { ok: true });
/** What Fly says to metadata writes. */
export const NO_CONTENT: Answer = { status: 204, body: '' };
