import { APP, HOUR, MINUTE, OLD } from './mode.js';
import { type Row } from './row.js';
import { CHECKED } from '../serving.js';

const serving = (region: string) => ({
  count: 6,
  region,
  image: OLD,
  state: 'started',
  running: true,
  config: CHECKED,
});
const FLEET = [serving('ams'), serving('ord')];

const BASE = { type: 'regionalCanary', machines: FLEET } as const;
const NEW_IMAGE = `registry.fly.io/${APP}:v2`;
const bad = (image: object) => ({ scenario: { images: { [OLD]: {}, [NEW_IMAGE]: image } } });
const GATED = { regions: ['ams', 'ord'], gates: [{ http: 'checkout' }] };
const abortAt = (atMs: number) => ({ atMs, verb: 'abort' as const });

/** Canaries of twelve machines that serve, six in each of two regions. */
export const CANARY_DAYS: readonly Row[] = [
  [
    'Canaries',
    'An image whose checks never pass, and `"onFailure": "rollback"`',
    [/^rolledBack: all 1 machines/],
    { ...BASE, ...bad({ failsChecks: true }), input: { onFailure: 'rollback' } },
  ],
  [
    'Canaries',
    'An image that fails in the second region only, and `"onFailure": "rollback"`',
    [/^rolledBack: all 8 machines/],
    { ...BASE, ...bad({ failsChecks: true, hits: { regions: ['ord'] } }), input: { onFailure: 'rollback' } },
  ],
  [
    'Canaries',
    'An image that Fly silently takes back',
    [/^paused as failures/, /^aborted/],
    { ...BASE, ...bad({ reverts: true }), said: [abortAt(HOUR)] },
  ],
  [
    'Canaries',
    'A gate says FAIL in the middle of a bake',
    [/^paused as gate_failed: gate http:checkout of ams:bake: FAIL/, /^aborted/],
    { ...BASE, input: GATED, judge: (ms) => (ms > 5 * MINUTE ? 409 : 200), said: [abortAt(HOUR)] },
  ],
  [
    'Canaries',
    'The judge of a gate is away from the middle of a bake on',
    [/^paused as judge_unavailable/, /^completed/],
    {
      ...BASE,
      input: GATED,
      judge: (ms) => (ms > 5 * MINUTE && ms < 50 * MINUTE ? 503 : 200),
      said: [{ atMs: HOUR, verb: 'resume' }],
    },
  ],
  [
    'Canaries',
    'Nobody gives an approval in time',
    [/^paused as approval_expired/, /^aborted/],
    { ...BASE, input: { regions: ['ams', 'ord'], gates: [{ approval: { within: '1h' } }] }, said: [abortAt(3 * HOUR)] },
  ],
  [
    'Canaries',
    'Somebody says rollback during the second region',
    [/^rolledBack/],
    { ...BASE, input: { regions: ['ams', 'ord'] }, said: [{ atMs: 11 * MINUTE, verb: 'rollback' }] },
  ],
  [
    'Canaries',
    'A host is lost under a machine of the first region and does not come back',
    [/^partial: 1 machine could not be updated/],
    { ...BASE, scenario: { at: [{ ms: 0, do: { loseHost: { app: APP, index: 1 } } }] } },
  ],
];
