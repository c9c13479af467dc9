import type { NativeConnection } from '@temporalio/worker';

/** Keyword = 2 in temporal.api.enums.v1.IndexedValueType. Three Keywords fit into any namespace of any store. */
const KEYWORD = 2;
const WANTED = ['FlyApp', 'FlyImage', 'RolloutPhase'];

/**
 * Registers Layover's search attributes where they are missing and says which the namespace has afterwards. A
 * namespace that does not let us (or the test server, which cannot list) is no error: rollouts run without them, and
 * their plan says so. One of another type counts as missing, since adding it again is silently ignored.
 */
export async function ensureSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<readonly string[]> {
  const { operatorService } = connection;
  try {
    const before = (await operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
    const missing = WANTED.filter((name) => !Object.hasOwn(before, name));
    if (missing.length > 0) {
      const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
      await operatorService.addSearchAttributes({ namespace, searchAttributes });
    }
    return WANTED.filter((name) => missing.includes(name) || Number(before[name]) === KEYWORD);
  } catch {
    return [];
  }
}
