import type { z } from 'zod';
import { appNameProblem } from '../domain/names.js';

const POLLUTING = ['__proto__', 'prototype', 'constructor'];

/** Names that would change how programs read the input, with their paths. */
export function pollution(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`;
    return POLLUTING.includes(key)
      ? [`${here}: this name is refused; it could change how programs read the input`]
      : pollution(inner, here);
  });
}

/** Of the forms that a value may have, what is wrong by the one that it was meant to have; none where it has no form. */
function variantOf({ errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] {
  const isWrongForm = ({ code, path }: z.core.$ZodIssue) =>
    path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
  return errors.find((issues) => !issues.some(isWrongForm)) ?? [];
}

/** What an issue is made of, and is told by. */
function innerOf(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code === 'invalid_key') return issue.issues.slice(0, 1);
  return issue.code === 'invalid_union' ? variantOf(issue) : [];
}

function sayUnknown(keys: readonly string[], path: string, elsewhere: Readonly<Record<string, string>>): string[] {
  return keys.map((key) => {
    const later = path === '' && Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
    const whole = path === '' ? key : `${path}.${key}`;
    return later === undefined
      ? `${whole}: is not an option here; a typing error?`
      : `${whole}: is not for this type; ${later}`;
  });
}

/** What is wrong, by its path and in our own words. @param later options that do not belong here, with a sentence. */
export function sayIssue(
  issue: z.core.$ZodIssue,
  input: object,
  later: Readonly<Record<string, string>>,
  above: readonly PropertyKey[] = [],
): string[] {
  const whole = [...above, ...issue.path];
  const path = whole.map(String).join('.');
  if (issue.code === 'unrecognized_keys') return sayUnknown(issue.keys, path, later);
  if (path === 'app') return [appNameProblem('app' in input ? input.app : undefined) ?? 'app: is no app name'];
  if (issue.code === 'invalid_value')
    return [`${path}: must be one of ${issue.values.map((v) => JSON.stringify(v)).join(', ')}`];
  const inner = innerOf(issue);
  if (inner.length > 0) return inner.flatMap((one) => sayIssue(one, input, later, whole));
  return [path === '' ? issue.message : `${path}: ${issue.message}`];
}
