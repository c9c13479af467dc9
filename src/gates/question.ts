/** What every gate is asked: how these machines do on what they were updated to. */
export interface Question {
  readonly app: string;
  /** Of the machines; sorted. */
  readonly regions: readonly string[];
  /** Ids of those that work on the new version. */
  readonly machines: readonly string[];
  /** How far back the answer may look, ms: never to before they were updated. */
  readonly windowMs: number;
  readonly image: string;
  /** `<hash of the change>.<start>`. */
  readonly rollout: string;
  /** The bake that it is asked for. */
  readonly step: string;
}

/** `NONE`: nothing that could be judged by. `ERROR`: the judge itself failed, which is no evidence of anything. */
export interface Answer {
  readonly verdict: 'PASS' | 'FAIL' | 'NONE' | 'ERROR';
  /** Our own words and numbers, never a response's text. */
  readonly says: string;
}

/** Past this a judge is taken to be broken. */
export const ANSWER_TIMEOUT_MS = 10_000;

/** More than any answer to a question about one app. */
export const MOST_ANSWER_BYTES = 1_000_000;
