/** The plan says no: every problem at once, each with its way out. Nothing has been written. */
export class Refused extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'Refused';
    this.problems = problems;
  }
}
