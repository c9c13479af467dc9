import { APP, LEAST } from './reference-least.js';
import type { Group } from './reference-groups.js';

/** Of a regionalCanary. */
export const CANARY: readonly Group[] = [
  {
    title: 'Region by region',
    says: 'Each entry of `regions` has its turn: its batches, one after another, then its rest (its idle machines last), then a bake while health is watched, then its gates, then a person. Nothing of the next entry is written before. `batches` count the working machines of the entry; a batch is over when all of it have passed. Regions that are not named are not touched, unless `"*"` stands for them. A last pass over all of it finds machines that were made meanwhile.',
    options: ['regions', 'batches', 'bake', 'drain'],
    examples: [
      {
        says: 'The quiet region first, two that move together, then all others; two machines, then three, then the rest',
        input: { ...LEAST, regions: ['ams', ['dfw', 'ord'], '*'], batches: [2, 3], bake: '30m' },
      },
      {
        says: 'A tenth of each region first; each machine is drained for 30 seconds',
        input: { ...LEAST, batches: ['10%'], drain: '30s' },
      },
    ],
    refused: [
      { regions: [] },
      { regions: ['ams', 'ams'] },
      { regions: ['*', 'ams'] },
      { regions: [['ams', '*']] },
      { batches: [0] },
      { batches: 2 },
      { bake: '0s' },
      { drain: '2h' },
    ],
  },
  {
    title: 'Gates',
    says: 'Asked throughout the bake, and PASS from all of them at its end lets the rollout on. FAIL halts it at once. NONE (nothing to judge by: no samples, not a number, an answer that leaves out a region it was asked about) makes the bake longer, up to three times its length, and then pauses. ERROR (the judge itself) is asked again for a minute, and then pauses: a broken judge is no evidence. A query may name `{{app}}`, `{{region}}` and `{{machines}}` (lists like `ams|dfw`, for `=~`) and `{{window}}` (the time since the bake began, less what Prometheus lags behind, five minutes at most); `samples` counts what the answer is made of. Addresses and tokens stand in [the worker’s config](operating.md#gates), never in an input. An approval is waited for a day, unless it says `within`; after the last entry nobody is asked, since nothing follows.',
    options: ['gates'],
    examples: [
      {
        says: 'Fewer than one error in a hundred requests, of 300 at least; an address that judges; a person',
        input: {
          ...LEAST,
          gates: [
            {
              prometheus: {
                query:
                  'sum by (region) (rate(errors_total{app="{{app}}",instance=~"{{machines}}"}[{{window}}])) / sum by (region) (rate(requests_total{app="{{app}}",instance=~"{{machines}}"}[{{window}}]))',
                max: 0.01,
                samples: 'sum(increase(requests_total{app="{{app}}",instance=~"{{machines}}"}[{{window}}]))',
                minSamples: 300,
              },
            },
            { http: 'checkout' },
            'approval',
          ],
        },
      },
      { says: 'A person, within four hours', input: { ...LEAST, gates: [{ approval: { within: '4h' } }] } },
    ],
    refused: [
      { gates: ['approve'] },
      { gates: [{ http: 'check out' }] },
      { gates: [{ prometheus: { query: 'up' } }] },
      { gates: [{ prometheus: { query: 'up{a="{{node}}"}', max: 1 } }] },
      { gates: [{ prometheus: { query: 'up', min: 2, max: 1 } }] },
      { gates: [{ prometheus: { query: 'up', max: 1, minSamples: 3 } }] },
    ],
  },
  {
    title: 'How many at once, and what is borne',
    says: 'Working machines are updated where they are, and end started. So many may be away per region and process group; machines that are no capacity as it is (a check does not pass, cordoned, held) count as away, and go first in the rest of an entry. The first machine goes alone; after each that has passed, `ramp` more may be in flight. In a batch, and in an entry where none has passed yet, the first failure halts, whatever `maxFailed` says. Passed means that all checks pass; a machine without checks has passed when it has run for `healthy.for`, or has exited with 0 by itself.',
    options: ['maxUnavailable', 'ramp', 'healthy', 'maxFailed', 'onFailure', 'maxMixed'],
    examples: [
      {
        says: 'One at a time in each place, no failure borne, and back by itself',
        input: { ...LEAST, maxUnavailable: 1, ramp: 'off', maxFailed: 0, onFailure: 'rollback' },
      },
      {
        says: 'Slow starters, and somebody is asked when two versions run side by side for two days',
        input: { ...LEAST, healthy: { for: '1m', within: '15m' }, maxMixed: '48h' },
      },
    ],
    refused: [
      { maxUnavailable: 0 },
      { ramp: 0 },
      { healthy: { for: '40m' } },
      { maxFailed: 1.5 },
      { onFailure: 'stop' },
    ],
  },
];

/** Of a processGroup. */
export const GROUP: readonly Group[] = [
  {
    title: 'Group by group',
    says: 'Each entry of `groups` has its turn: all its selected machines in all regions, working ones where they are and idle ones last, until two looks in a row find nothing left to do; then a bake, the gates, and a person where one is asked. Nothing of the next group is written before. **Groups that are not named are not touched.** Machines without a group are group `app`, as Fly says. `only` and `except` narrow inside the groups. An object gives a group numbers of its own. `maxUnavailable` of a group counts over the whole group, all regions together, and a machine is away until it has been healthy for `healthy.for`; `whole` takes one machine at a time, and only while every other started machine of the group is healthy; `idleOnly` waits for working machines to stop, for `deadline` (a day if left out), and goes on without those that did not. A plan warns where a majority of a group of three or more may be away at once.',
    options: ['groups', 'bake', 'drain'],
    examples: [
      {
        says: 'Supervisors, a person, then conductors, each machine drained for 30 seconds; everything else stays',
        input: { ...LEAST, groups: ['supervisor', 'approval', 'conductor'], bake: '5m', drain: '30s' },
      },
      {
        says: 'A cluster one machine at a time, the next when all are healthy again for a minute',
        input: {
          ...LEAST,
          groups: [{ group: 'zk', maxUnavailable: 1, healthy: { for: '1m', within: '10m' }, bake: '5m', whole: true }],
        },
      },
      {
        says: 'New secrets for idle workers now, for working ones when they stop',
        input: { ...APP, restart: 'secrets', groups: [{ group: 'worker', idleOnly: true, deadline: '12h' }] },
      },
    ],
    refused: [
      { groups: undefined },
      { groups: [] },
      { groups: 'zk' },
      { groups: ['zk', 'zk'] },
      { groups: ['approval', 'zk'] },
      { groups: ['zk', 'approval', 'approval', 'web'] },
      { groups: ['zk', 'approval', 'web'], gates: ['approval'] },
      { groups: [{ group: 'zk', maxUnavailable: 0 }] },
      { groups: [{ group: 'zk', whole: false }] },
      { groups: [{ group: 'zk', deadline: '12h' }] },
      { groups: [{ group: 'zk', healthy: { for: '40m' } }] },
      { groups: [{ group: 'zk', ramp: 3 }] },
      { bake: '0s' },
      { drain: '2h' },
    ],
  },
  ...CANARY.slice(1),
];
