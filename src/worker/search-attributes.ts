import type { NativeConnection } from '@temporalio/worker';
import { WANTED } from './attribute-names.js';

/** Keyword = 2 in temporal.api.enums.v1.IndexedValueType. */
const KEYWORD = 2;

/**
 * Which of Layover's search attributes the namespace has. One of another type is not ours. A server that does not
 * tell (the test server cannot) has none: rollouts run without them, and their plan says so.
 */
export async function searchAttributes(connection: NativeConnection, namespace: string): Promise<readonly string[]> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return WANTED.filter((name) => Number(customAttributes?.[name]) === KEYWORD);
  } catch {
    return [];
  }
}

/**
 * Registers those that are missing; a worker does so when it starts. A namespace that does not let us is no error.
 * Adding one that exists under another type is silently ignored by the server.
 */
export async function registerSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const there = await searchAttributes(connection, namespace);
  const missing = WANTED.filter((name) => !there.includes(name));
  if (missing.length === 0) return;
  try {
    const wanted = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
  } catch {
    // Not allowed, or not known there: the plan of every rollout says that they are missing.
  }
}
