import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, type Program, startProgram } from '../../src/setup/program.js';
import { eventually } from '../support/place.js';

const run = promisify(execFile);

/** Unpacked here, beside Temporal's programs, from Debian's package where none is on PATH. */
const FOLDER = join(process.cwd(), '.layover', 'prometheus');

function onPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'prometheus')).find((path) => existsSync(path));
}

/** The program: on PATH, or Debian's package, fetched once and unpacked without being installed. */
async function prometheusProgram(): Promise<string> {
  const program = join(FOLDER, 'usr', 'bin', 'prometheus');
  const found = onPath() ?? (existsSync(program) ? program : undefined);
  if (found !== undefined) return found;
  await mkdir(FOLDER, { recursive: true });
  const download = () => run('apt-get', ['download', 'prometheus'], { cwd: FOLDER });
  await download().catch(async () => {
    await run('apt-get', ['update', '-qq']);
    await download();
  });
  const [deb] = (await readdir(FOLDER)).filter((name) => name.endsWith('.deb'));
  if (deb === undefined) throw new Error('apt-get download prometheus gave no package');
  await run('dpkg', ['-x', join(FOLDER, deb), FOLDER]);
  await rm(join(FOLDER, deb));
  return program;
}

export interface Prometheus {
  readonly url: string;
  readonly program: Program;
  close(): Promise<void>;
}

/** A real Prometheus that scrapes a simulated fleet every second. */
export async function startPrometheus(simulatorUrl: string): Promise<Prometheus> {
  const command = await prometheusProgram();
  const folder = await mkdtemp(join(tmpdir(), 'layover-prometheus-'));
  const port = await freePort();
  const { host } = new URL(simulatorUrl);
  const job = {
    job_name: 'fly',
    honor_labels: true,
    metrics_path: '/_simulator/metrics',
    static_configs: [{ targets: [host] }],
  };
  const config = join(folder, 'prometheus.yml');
  // JSON is YAML.
  await writeFile(config, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [job] }));
  const program = startProgram({
    name: 'prometheus',
    command,
    args: [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`],
    env: {},
  });
  const url = `http://127.0.0.1:${port}`;
  const isScraping = async () => {
    const answer = await fetch(`${url}/api/v1/query?query=up`).catch(() => undefined);
    return answer?.ok && (await answer.text()).includes('"1"]') ? true : undefined;
  };
  await eventually('prometheus scrapes the simulator', isScraping, 60_000);
  return {
    url,
    program,
    async close() {
      await program.stop('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
