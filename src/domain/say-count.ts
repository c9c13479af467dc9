/** A number with its word: `1 machine`, `2 machines`. */
export const sayCount = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

/** So many machines, in words. */
export const machines = (n: number): string => sayCount(n, 'machine', 'machines');
