import { exitEventOf, type MachineEvent } from '../src/fly/wire.js';

/** An exit that nobody asked for shows a start, also where none is recorded: of a boot that failed. */
const showsStart = (event: MachineEvent): boolean =>
  event.type === 'start' || (event.type === 'exit' && exitEventOf(event)?.requested_stop === false);

/**
 * Whether the newest update met a working machine: the last thing before it was a start. Then it cut what ran
 * (and `stopped by us` unless it was started since).
 */
export function metAtWork(events: readonly MachineEvent[]): 'idle' | 'stopped by us' | 'started again' {
  const update = events.findIndex((event) => event.type === 'update');
  const lifecycle = ['start', 'exit', 'stop', 'suspend', 'launch', 'update'];
  const before = events.slice(update + 1).find((event) => lifecycle.includes(event.type));
  if (update < 0 || before?.type !== 'start') return 'idle';
  return events.slice(0, update).some(showsStart) ? 'started again' : 'stopped by us';
}
