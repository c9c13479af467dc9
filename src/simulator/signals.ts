/** The signals a machine can be sent, with Linux's numbers (machines OpenAPI text, SignalRequest). */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
} as const;
/** The name of a signal. */
export type Signal = keyof typeof SIGNALS;

/** Those that a stop takes (machines OpenAPI text, StopRequest). */
const STOP_SIGNALS: readonly Signal[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGTERM'];

/** The signal of that name or number; undefined when there is none. */
export function signalOf(value: string | number): Signal | undefined {
  const names = Object.entries(SIGNALS) as [Signal, number][];
  return names.find(([name, number]) => name === value || number === value)?.[0];
}

/** The signal of that name, if a stop may be given it. */
export function stopSignalOf(value: string | number): Signal | undefined {
  const signal = signalOf(value);
  return signal !== undefined && STOP_SIGNALS.includes(signal) ? signal : undefined;
}

/** What a shell reports for a process that a signal ended. */
export function exitCodeOf(signal: Signal): number {
  return 128 + SIGNALS[signal];
}
