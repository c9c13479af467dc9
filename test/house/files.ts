import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One text file of the repository; `path` is relative to its root and has forward slashes. */
export type SourceFile = { readonly path: string; readonly text: string };

/** Every text file under the given rooms (or the files named) that ends in one of `endings`. */
export function filesIn(rooms: readonly string[], endings: readonly string[] = ['.ts', '.mjs']): SourceFile[] {
  return rooms
    .flatMap((room) => pathsUnder(join(ROOT, room)))
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => ({ path: relative(ROOT, path), text: readFileSync(path, 'utf8') }));
}

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** `path:line` of every line that matches, so that a failing test says where to look. */
export function linesMatching(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
}

function pathsUnder(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (found.isFile()) return [path];
  return readdirSync(path).flatMap((name) => pathsUnder(join(path, name)));
}
