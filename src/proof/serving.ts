/** Machines that serve, as scenarios write them. */

/** A check that has to pass: looked at every three seconds. */
export const CHECKED = { checks: { up: { type: 'tcp', port: 8080, interval: '3s' } } };

/** Blocks of machines that serve one image, by process group and region. */
export const servingOf =
  (image: string) =>
  (group: string, count: number, region: string, more: object = {}) => ({
    count,
    region,
    group,
    image,
    state: 'started',
    running: true,
    config: CHECKED,
    ...more,
  });
