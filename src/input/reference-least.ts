/** The app of every example. */
export const APP = { app: 'encoder' };

/** The shortest input there is. */
export const LEAST: Readonly<Record<string, unknown>> = { ...APP, image: 'registry.fly.io/encoder:v42' };
