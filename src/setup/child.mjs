import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** One Ctrl-C reaches us twice: from the terminal, and again from npm, which hands on what it got itself. */
const ECHO_MS = 500;
/** @type {readonly NodeJS.Signals[]} */
const HANDED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/**
 * Runs a command, hands signals on to it, waits for its end whatever the signal was, and returns its exit code.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function runToEnd(command, args, options = {}) {
  // In a process group of its own the child does not get the terminal's Ctrl-C beside the one we hand on.
  const child = spawn(command, args, { stdio: 'inherit', ...options, detached: true });
  const stop = handOn((signal) => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      stop();
      reject(new Error(`${command} could not be started: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      stop();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** @param {(signal: NodeJS.Signals) => void} to */
function handOn(to) {
  /** @type {Partial<Record<NodeJS.Signals, number>>} */
  const lastAt = {};
  /** @param {NodeJS.Signals} signal */
  const listener = (signal) => {
    const now = performance.now();
    const isEcho = now - (lastAt[signal] ?? -Infinity) < ECHO_MS;
    lastAt[signal] = now;
    if (!isEcho) to(signal);
  };
  for (const signal of HANDED_ON) process.on(signal, listener);
  return () => {
    for (const signal of HANDED_ON) process.off(signal, listener);
  };
}
