/** Where a program draws: a terminal, or a pipe that gets plain lines. */
export interface Screen {
  readonly isTerminal: boolean;
  /** Columns and rows of the terminal: a longer line would wrap, and the picture could not be drawn again in place. */
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

const FEWEST_COLUMNS = 80;
const FEWEST_ROWS = 24;

/**
 * A picture that is drawn again in place. Lines are cut to the terminal; of a picture that is too tall the top is shown.
 * @returns draws the lines over the last ones.
 */
export function createPicture(screen: Screen): (lines: readonly string[]) => void {
  let drawn = 0;
  return (lines) => {
    const width = Math.max(screen.columns, FEWEST_COLUMNS) - 1;
    const shown = lines.slice(0, Math.max(screen.rows, FEWEST_ROWS) - 1);
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    const below = '\u001b[0J';
    screen.write(`${up}${shown.map((line) => `\u001b[2K${cut(line, width)}\n`).join('')}${below}`);
    drawn = shown.length;
  };
}

/** Colours take no room on the screen, so a line that has some is left as it is. */
const cut = (line: string, width: number): string => (line.includes('\u001b') ? line : line.slice(0, width));
