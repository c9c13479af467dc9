/**
 * A name that other people chose, as it may stand in a report or a terminal: printable, and not longer than `most`
 * characters. Control characters would steer the terminal, and an endless name would fill the history.
 */
export function clip(text: string, most: number): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return plain.length <= most ? plain : `${plain.slice(0, most - 1)}…`;
}

/** The first few of a list, and how many there are beside them. */
export function firstOf(names: readonly string[], most: number, width = 60): string {
  const shown = names.slice(0, most).map((name) => clip(name, width));
  const more = names.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}
