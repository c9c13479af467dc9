import { z } from 'zod';
import { Amount, CHANGE, checkChange, names } from './fields.js';
import { checkPatience, JUDGED, readJudged } from './judged.js';
import type { CanaryInput, ChangeInput, NonEmpty } from './types.js';

/** All regions that no entry before names. */
export const REST = '*';

const Region = z.string('must be text').min(1, 'must not be empty');

const Regions = z
  .array(
    z.union([Region, names('region')], 'must be a region, a list of regions that move together, or "*"'),
    'must be a list, like ["ams", ["dfw", "ord"], "*"]',
  )
  .min(1, 'must name at least one region, or "*"; left out, every region follows, the smallest first')
  .superRefine((entries, context) => {
    const named = entries.flat();
    const twice = named.find((region, index) => named.indexOf(region) !== index);
    const say = (message: string) => context.addIssue({ code: 'custom', message });
    if (twice !== undefined) say(`names ${JSON.stringify(twice)} twice; each region has its turn once`);
    if (entries.some((entry) => Array.isArray(entry) && entry.includes(REST)))
      say('"*" stands alone: it is every region that is not named');
    if (entries.includes(REST) && entries.at(-1) !== REST) say('"*" must be the last: it is every region that is left');
  });

/** What an operator writes for a `regionalCanary`, before defaults. */
export const Canary = z
  .strictObject({
    ...CHANGE,
    regions: Regions.optional(),
    batches: z
      .array(Amount, 'must be a list of counts or shares, like [2, 3]')
      .max(10, 'must not have more than 10 entries')
      .refine((list) => list.every((one) => !('count' in one) || one.count > 0), 'must each be at least 1')
      .prefault([1]),
    ...JUDGED,
  })
  .superRefine(checkChange)
  .superRefine(checkPatience);

/** The options that only a canary has. */
export function readCanary({
  regions,
  batches,
  ...judged
}: Pick<z.output<typeof Canary>, 'regions' | 'batches' | keyof typeof JUDGED>): Omit<
  CanaryInput,
  keyof ChangeInput | 'type'
> {
  const toEntry = (entry: string | NonEmpty<string>) =>
    entry === REST ? REST : ([entry].flat() as unknown as NonEmpty<string>);
  return {
    ...(regions === undefined ? {} : { entries: regions.map(toEntry) }),
    batches,
    ...readJudged(judged),
  };
}
