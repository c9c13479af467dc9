/** The search attributes of a rollout; three Keywords fit into any namespace of any store. */
export const WANTED: readonly string[] = ['FlyApp', 'FlyImage', 'RolloutPhase'];
