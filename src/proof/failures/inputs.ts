import { type Day, type FailureMode, NEW, OLD } from './mode.js';
import { INPUT, runInput } from './run-day.js';

const answer = (on: string, status: number) => ({ faults: [{ on, effect: { answer: { status, error: 'no' } } }] });

/** A bad input, what it is refused with, and the world that it meets. */
type Row = readonly [fault: string, input: unknown, shows: RegExp, day?: Day];

const GROUPED: Day = { type: 'processGroup' };
const group = (groups: readonly unknown[], more: object = {}) => ({ app: 'fleet', image: NEW, groups, ...more });

const ROWS: readonly Row[] = [
  ['A key is not known', { ...INPUT, tiemout: '1h' }, /^refused: tiemout: is not an option here/],
  ['A duration is none', { ...INPUT, deadline: 'soon' }, /^refused: deadline: "soon" is no duration; write it like/],
  ['A share is none', { ...INPUT, maxFailed: '10 percent' }, /^refused: maxFailed: "10 percent" is no share/],
  ['A list is empty', { ...INPUT, only: { regions: [] } }, /^refused: only\.regions: must name at least one region/],
  [
    'A selector matches nothing',
    { ...INPUT, only: { regions: ['ord'], metadata: { tier: 'gold' } } },
    /^refused: only\.metadata\.tier: no machine has "gold" there/,
  ],
  [
    'A machine is not in the app',
    { ...INPUT, except: { machines: ['e2865000000000'] } },
    /^refused: except\.machines: machine .* is not in this app; it has/,
  ],
  [
    'A region is not in the app',
    { ...INPUT, only: { regions: ['syd'] } },
    /^refused: only\.regions: region "syd" is not/,
  ],
  [
    'A process group is not in the app',
    { ...INPUT, only: { processGroups: ['zk'] } },
    /^refused: only\.processGroups: process group "zk" is not/,
  ],
  ['The app does not exist', { ...INPUT, app: 'nobody' }, /^refused: app: Fly knows no app "nobody"/],
  [
    'The app is another organisation’s',
    INPUT,
    /^refused: app: "fleet" belongs to another organisation, or the worker's token may not read it/,
    { scenario: answer('app', 403) },
  ],
  [
    'Fly does not accept the token',
    INPUT,
    /^refused: app: Fly does not accept the worker's token; set FLY_API_TOKEN/,
    { scenario: answer('app', 401) },
  ],
  [
    'The registry does not know the image',
    { ...INPUT, image: 'registry.fly.io/fleet:v99' },
    /^refused: image: the registry .* push it first, or correct the reference/,
  ],
  [
    'Machines run an image of another repository',
    { ...INPUT, image: 'registry.fly.io/other:v2' },
    /^refused: image: 12 selected machines run another repository/,
    { scenario: { images: { [OLD]: {}, [NEW]: {}, 'registry.fly.io/other:v2': {} } } },
  ],
  [
    'The input is a megabyte long',
    { ...INPUT, env: { A: 'x'.repeat(1_000_000) } },
    /^refused: the input is \d+ bytes long/,
  ],
  [
    'A key would change how programs read the input',
    JSON.parse('{"app":"fleet","image":"registry.fly.io/fleet:v2","env":{"__proto__":"x"}}'),
    /^refused: env\.__proto__: this name is refused/,
  ],
  ['The app name has odd characters', { ...INPUT, app: 'Fleet/../x' }, /^refused: app: .* is no Fly app name/],
  [
    '"forceAfter" is not below the deadline',
    { ...INPUT, forceAfter: '6h' },
    /^refused: forceAfter: must be shorter than "deadline"/,
  ],
  ['"maxUnavailable" is nothing', { ...INPUT, maxUnavailable: 0 }, /^refused: maxUnavailable: must be at least 1/],
  ['"bootFirst" is no count', { ...INPUT, bootFirst: '1' }, /^refused: bootFirst: must be a whole number/],
  [
    'Env is asked for together with containers',
    { ...INPUT, image: { api: 'registry.fly.io/api:v2' }, env: { A: '1' } },
    /^refused: env: cannot be changed for machines with containers/,
  ],
  ['An env key has "=" in it', { ...INPUT, env: { 'A=B': '1' } }, /^refused: env/],
  ['An env value has a NUL in it', { ...INPUT, env: { A: 'x\0y' } }, /^refused: env/],
  ['No process group is named', group([]), /^refused: groups: must name at least one/, GROUPED],
  ['A process group is named twice', group(['app', 'app']), /^refused: groups: names "app" twice/, GROUPED],
  ['A process group has no machine', group(['zk']), /^refused: groups: "zk" has no selected machine/, GROUPED],
  [
    'An approval stands before the first group',
    group(['approval', 'app']),
    /^refused: groups: "approval" must stand between two groups/,
    GROUPED,
  ],
  [
    'A process group has a deadline that nobody waits for',
    group([{ group: 'app', deadline: '1h' }]),
    /^refused: groups\.0\.deadline: needs "idleOnly": true/,
    GROUPED,
  ],
  [
    'A restart at a time that is still to come',
    group(['app'], { restart: '2999-01-01T00:00:00Z' }),
    /^refused: restart: /,
    GROUPED,
  ],
  [
    'A restart for secrets of an app that has none',
    group(['app'], { restart: 'secrets' }),
    /^refused: restart: /,
    GROUPED,
  ],
  [
    'The registry does not tell the digest of a container’s image',
    { app: 'fleet', image: { api: 'ghcr.io/somebody/api:v2' } },
    /^refused: image\.api: .*Fly shows no digest of a container's image; write the digest yourself/,
    { scenario: answer('manifest', 401) },
  ],
];

export const INPUTS: readonly FailureMode[] = ROWS.map(([fault, input, shows, day]) => ({
  fault,
  part: 'Bad input',
  shows: [shows],
  run: () => runInput(input, day),
}));
