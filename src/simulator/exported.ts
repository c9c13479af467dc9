import { specOn } from './images.js';
import type { World } from './world.js';

/** Requests that a machine which serves gets. */
const REQUESTS_PER_S = 10;

/**
 * What the started machines export, as Prometheus scrapes it: requests and errors since each one's last start, with the
 * labels that Fly puts on (`app`, `region`, `instance`: the machine's id). A start sets a counter back, as a process does.
 */
export function exportedMetrics(world: World): string {
  const started = [...world.machines.values()].filter(({ state }) => state === 'started');
  const counted = started.map((machine) => {
    const start = machine.events.find(({ type }) => type === 'start');
    const seconds = Math.max(0, world.now - (start?.timestamp ?? world.now)) / 1_000;
    const { app, region, id } = machine;
    const labels = `app="${app}",region="${region}",instance="${id}"`;
    const requests = Math.floor(seconds * REQUESTS_PER_S);
    const errors = Math.floor(requests * (specOn(machine.image, machine)?.errors ?? 0));
    return { labels, requests, errors };
  });
  return [
    '# TYPE requests_total counter',
    ...counted.map(({ labels, requests }) => `requests_total{${labels}} ${requests}`),
    '# TYPE errors_total counter',
    ...counted.map(({ labels, errors }) => `errors_total{${labels}} ${errors}`),
    '',
  ].join('\n');
}
