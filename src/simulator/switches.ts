import { z } from 'zod';

/** One thing that Fly's public sources leave open. */
interface Switch {
  /** What it may be set to; the first is the default. */
  readonly settings: readonly [boolean | number | string, ...(boolean | number | string)[]];
  /** What it changes, said of the default unless it names the settings. */
  readonly changes: string;
  /** Who says what, so far. */
  readonly source: string;
}

/**
 * Every open point of the Machines API, with the answers it may have at Fly: whoever relies on the API must be right
 * under each. `docs/simulator.md` shows this table, and a test holds the two together.
 */
export const SWITCHES = {
  leaseBlocksAutostart: {
    settings: [true, false],
    changes: 'while a lease lives the proxy does not start the machine',
    source: 'docs of `lease_ttl` suggest it',
  },
  leaseBlocksAutostop: {
    settings: [true, false],
    changes: 'while a lease lives the proxy does not stop or suspend the machine',
    source: 'docs of `lease_ttl` suggest it',
  },
  leaseDefaultTtl: {
    settings: [60, 5],
    changes: 'seconds a lease lasts when its taker names none',
    source: 'no source',
  },
  leaseMaxTtl: {
    settings: [3600, 30],
    changes: 'a longer `ttl` is cut to so many seconds, as `expires_at` says',
    source: 'docs show 500; no limit is named',
  },
  expiredNonceAccepted: {
    settings: [false, true],
    changes: 'true: a write with the last nonce passes after its lease has ended, when nobody holds another',
    source: 'flyctl destroys its canary with the nonce it has just released',
  },
  expiredNonceStatus: {
    settings: [400, 409],
    changes: 'status of a write with a nonce that no lease has',
    source: 'no source',
  },
  signalGuarded: {
    settings: [true, false],
    changes: 'a lease refuses `signal` from others',
    source: 'fly-go `Kill` sends no nonce',
  },
  memoryGuarded: {
    settings: [false, true],
    changes: 'true: a lease refuses writes under `memory` from others',
    source: 'no source',
  },
  currentVersionEnforced: {
    settings: [true, false],
    changes: 'an update with another `current_version` is refused',
    source: 'Fly staff, community 15555',
  },
  currentVersionStatus: {
    settings: [409, 412],
    changes: 'status of that refusal',
    source: 'Fly staff, community 15555, say 409; the metadata calls answer 412',
  },
  identicalMintsVersion: {
    settings: [true, false],
    changes: 'false: an update that changes nothing keeps the version and the machine as they are',
    source: 'docs: every update "potentially" changes it',
  },
  skipLaunchUpdateState: {
    settings: ['stopped', 'created'],
    changes: 'where a machine rests after an update with `skip_launch`',
    source: 'flyctl waits for `stopped`',
  },
  skipLaunchCreateState: {
    settings: ['stopped', 'created'],
    changes: 'where a machine rests after a create with `skip_launch`',
    source: 'flyctl waits for `stopped`; docs: may stay in `created`',
  },
  createdStarts: {
    settings: [true, false],
    changes: 'a machine that rests in `created` can be started; false: 412, as while its image is pulled',
    source: 'what is created with `skip_launch` is meant to be started; a 412 was seen in public issues',
  },
  startedStartStatus: {
    settings: [200, 412],
    changes: 'status of a start of a started machine',
    source: 'no source',
  },
  destroyRunningStatus: {
    settings: [412, 409],
    changes: 'status of a destroy of a running machine without force',
    source: 'the pattern of other calls; flyctl refuses before it calls',
  },
  capacityStatus: {
    settings: [412, 503, 409, 422],
    changes: 'status of a call for which the host has no room (effect `noCapacity`)',
    source: 'all four are claimed: flyctl, fly-go, community 15555, issues',
  },
  suspendRefusedStatus: {
    settings: [412, 400],
    changes: 'status of a suspend of a machine that cannot be (over 2 GB, swap, schedule)',
    source: 'docs name the limits only',
  },
  lostHostRefusesLeases: {
    settings: [true, false],
    changes: 'a machine whose host is lost can be neither leased nor destroyed (503), as with all other writes',
    source: 'no source; flyctl leases and destroys such machines in a deploy',
  },
  secretsBehindStatus: {
    settings: [412, 503],
    changes: 'status when `min_secrets_version` or `min_version` is not reached',
    source: 'no source',
  },
  restartReadsSecrets: {
    settings: [true, false],
    changes: 'a restart boots with the newest secrets; false: with those it had',
    source: 'docs: a start from stopped does',
  },
  versionsKeepReverted: {
    settings: [true, false],
    changes: '`versions` still lists a version that was silently taken back',
    source: 'no source',
  },
  updateAnswersEvents: {
    settings: [true, false],
    changes: 'the answer to an update has `events`',
    source: 'quoted answers differ',
  },
  waitAnswersState: {
    settings: [true, false],
    changes: 'wait answers state and version; false: `{"ok":true}` alone',
    source: 'OpenAPI text; older answers',
  },
  waitReplaced: {
    settings: ['refuses', 'times-out'],
    changes: 'a wait on a replaced version is 412 at once, or 408 at its timeout',
    source: 'flyctl looks for the words `currently replaced`',
  },
  rateLimits: {
    settings: [false, true],
    changes: 'true: per action and machine (or app) 1/s with bursts of 3, get 5/s with bursts of 10',
    source: 'docs; off here so that a scenario need not pace itself',
  },
  rateLimitCountsWait: {
    settings: [true, false],
    changes: 'a wait counts toward its limit',
    source: 'docs, read to the letter',
  },
  rateLimitRetryAfter: {
    settings: [false, true],
    changes: 'true: a 429 carries `Retry-After`, in seconds',
    source: 'none is documented',
  },
  rateLimitBody: {
    settings: ['json', 'text'],
    changes: 'body of a 429: the usual error, or its bare text',
    source: 'no source',
  },
} as const satisfies Readonly<Record<string, Switch>>;

/** The name of a switch. */
export type SwitchName = keyof typeof SWITCHES;
/** The settings of one world. */
export type Switches = { readonly [Name in SwitchName]: (typeof SWITCHES)[Name]['settings'][number] };

const shape = Object.fromEntries(
  Object.entries<Switch>(SWITCHES).map(([name, { settings }]) => [name, z.literal([...settings]).default(settings[0])]),
);
/** Parses the switches of a scenario. The cast says what the loop makes of the table, which the compiler cannot follow. */
export const Switches = z.strictObject(shape) as unknown as z.ZodType<Switches, Partial<Switches>>;
