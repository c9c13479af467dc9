import type { World } from './world.js';

/** What somebody else does to an app meanwhile, past Layover. */

/** One call of the Machines API. @param path below `/v1/apps/`. @returns its answer. */
export function byHand(world: World, path: string, body: object) {
  const headers = { authorization: 'Bearer by-hand', 'content-type': 'application/json' };
  return world.simulator.handle({ method: 'POST', url: `/v1/apps/${path}`, headers, body: JSON.stringify(body) });
}

/** One of the simulator's controls: what happens to machines, and what goes wrong. @param path below `/_simulator/`. */
export const control = (world: World, path: string, body: object = {}) =>
  world.simulator.handle({ method: 'POST', url: `/_simulator/${path}`, headers: {}, body: JSON.stringify(body) });

/** Gives a machine another process group. */
export const regroup = (world: World, app: string, machine: string, group: string) =>
  byHand(world, `${app}/machines/${machine}/metadata/fly_process_group`, { value: group });
