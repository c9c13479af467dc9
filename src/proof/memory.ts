import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The most memory a process was seen to hold. */
export interface MemoryWatch {
  readonly peakMb: number;
  end(): void;
}

const LOOK_MS = 500;

/** Resident memory as `ps` says it, on Linux and macOS alike; 0 for a process that has ended. */
async function residentMb(pid: number): Promise<number> {
  const shown = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]).catch(() => ({ stdout: '0' }));
  return Number(shown.stdout.trim()) / 1_024;
}

/** Looks at a process's resident memory twice a second until it is told to end. */
export function watchMemory(pid: number): MemoryWatch {
  let peakMb = 0;
  const look = async () => {
    peakMb = Math.max(peakMb, await residentMb(pid));
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  void look();
  return {
    get peakMb() {
      return peakMb;
    },
    end: () => clearInterval(timer),
  };
}
