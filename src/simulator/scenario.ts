import { z } from 'zod';
import { Switches } from './switches.js';

const Ms = z.number().nonnegative();
/** A duration in milliseconds: one number, or [min, max] to draw from. */
const Span = z
  .union([Ms, z.tuple([Ms, Ms])])
  .transform((value): readonly [number, number] => (typeof value === 'number' ? [value, value] : value));
const Share = z.number().min(0).max(1);

/** How long things take; every one is drawn anew from the seed each time. */
export const Timing = z.strictObject({
  replaceMs: Span.prefault([1000, 3000]),
  pullMs: Span.prefault([500, 2000]),
  bootMs: Span.prefault([1000, 3000]),
  stopMs: Span.prefault([200, 1000]),
  destroyMs: Span.prefault([500, 1500]),
  restartMs: Span.prefault([500, 1000]),
  suspendMs: Span.prefault([200, 600]),
  resumeMs: Span.prefault([200, 600]),
  checksFirstMs: Span.prefault([500, 1000]),
  checksPassMs: Span.prefault([2000, 5000]),
  postponeMs: Span.prefault([500, 2000]),
  destroyedReadableMs: Span.prefault([60_000, 60_000]),
  visibleMs: Span.prefault([0, 0]),
});

/** Work a machine does by itself: it runs this long, exits, and is started again by the proxy after `idleMs`. */
export const Job = z.strictObject({
  lengthMs: Span,
  exitCode: z.number().int().default(0),
  idleMs: Span.optional(),
  /** On a stop's signal: left out, it is ended by it at once; or it works on; or it puts its work away and exits. */
  onStop: z
    .union([z.literal('ignore'), z.strictObject({ afterMs: Span.prefault(0), exitCode: z.number().int().default(0) })])
    .optional(),
});
export type Job = z.infer<typeof Job>;

/** What the registry holds under a reference, and what machines booted on it do. */
export const ImageSpec = z.strictObject({
  /** Whom its faults hit; left out: every machine. A share is drawn once for each machine. */
  hits: z.strictObject({ regions: z.array(z.string()).optional(), share: Share.default(1) }).optional(),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional(),
  single: z.boolean().default(false),
  reverts: z.union([z.boolean(), Share]).default(false),
  failsBoot: z.boolean().default(false),
  failsChecks: z.boolean().default(false),
  /** The share of the requests that it answers with an error, in the metrics that its machines export. */
  errors: Share.default(0),
  /** Checks that passed become critical after so long, or change back and forth so often. */
  checks: z.union([z.strictObject({ criticalAfterMs: Span }), z.strictObject({ flapEveryMs: Span })]).optional(),
  exits: z
    .strictObject({ afterMs: Span, code: z.number().int().default(1), oom: z.boolean().default(false) })
    .optional(),
});
export type ImageSpec = z.infer<typeof ImageSpec>;

const MachineShape = {
  ids: z.array(z.string().regex(/^[0-9a-f]{14}$/, 'a machine id has 14 hex digits')).optional(),
  count: z.number().int().positive().optional(),
  region: z.string().default('ord'),
  group: z.string().optional(),
  state: z.enum(['created', 'started', 'stopped', 'suspended', 'failed']).optional(),
  running: z.boolean().optional(),
  image: z.string(),
  env: z.record(z.string(), z.string()).optional(),
  metadata: z.record(z.string(), z.string()).default({}),
  managed: z.boolean().default(true),
  cordoned: z.boolean().default(false),
  config: z.record(z.string(), z.unknown()).default({}),
  job: Job.optional(),
  host: z.strictObject({ lostAtMs: Ms, backAtMs: Ms.optional() }).optional(),
};
/** Some machines that are alike. */
export const MachineBlock = z.strictObject(MachineShape);
export type MachineBlock = z.infer<typeof MachineBlock>;
/** Body of the control call `create-machines`. */
export const CreateMachines = z.strictObject({ app: z.string(), ...MachineShape });

/** An app and its machines as a scenario begins with them. */
export const AppBlock = z.strictObject({
  name: z.string(),
  org: z.string().default('personal'),
  foreignOrg: z.boolean().default(false),
  /** How often the proxy looks for machines to stop; left out: never. */
  autostopMs: Span.optional(),
  secrets: z.record(z.string(), z.string()).default({}),
  machines: z.array(MachineBlock).default([]),
});

/** What a fault may do, but for the delay that may stand beside it. */
export const EFFECTS = [
  'answer',
  'loseAnswer',
  'late408',
  'cut',
  'malformed',
  'emptyList',
  'halfList',
  'staleReadMs',
  'revert',
  'noCapacity',
] as const;
/** The name of an effect, as journal entries show it. */
export type EffectName = (typeof EFFECTS)[number] | 'delayMs';

/** What a fault does to a call; `delayMs` alone or before another effect. */
export const Effect = z
  .strictObject({
    answer: z
      .strictObject({
        status: z.number().int(),
        error: z.string().default('fault injected'),
        headers: z.record(z.string(), z.string()).default({}),
      })
      .optional(),
    loseAnswer: z.literal(true).optional(),
    late408: z.literal(true).optional(),
    cut: z.literal(true).optional(),
    malformed: z.literal(true).optional(),
    emptyList: z.literal(true).optional(),
    halfList: z.literal(true).optional(),
    staleReadMs: Ms.optional(),
    revert: z.literal(true).optional(),
    noCapacity: z.enum(['machine', 'host']).optional(),
    delayMs: Ms.optional(),
  })
  .refine((effect) => Object.keys(effect).length > 0, 'name an effect')
  .refine((effect) => effectNames(effect).length <= 1, 'name one effect (delayMs may stand beside it)');
export type Effect = z.infer<typeof Effect>;

function effectNames(effect: object): EffectName[] {
  return EFFECTS.filter((name) => name in effect);
}

/** The effect's name: what is beside a delay, else the delay. */
export function effectName(effect: Effect): EffectName {
  return effectNames(effect)[0] ?? 'delayMs';
}

/** The calls a fault may be on, by their names in the journal. */
export const FAULT_OPS = [
  'any list get create update destroy start stop suspend restart signal cordon uncordon wait',
  'lease refresh look release metadata versions events ps exec memory secrets app ips manifest',
].flatMap((ops) => ops.split(' '));
/** Which calls go wrong and how; times are relative to the start, `lease` means acquire and refresh. */
export const Fault = z.strictObject({
  on: z.string().refine((op) => FAULT_OPS.includes(op), `one of ${FAULT_OPS.join(', ')}`),
  machine: z.string().optional(),
  app: z.string().optional(),
  afterMs: Ms.default(0),
  untilMs: Ms.optional(),
  skip: z.number().int().nonnegative().default(0),
  times: z.number().int().positive().optional(),
  share: Share.default(1),
  withoutCookie: z.boolean().default(false),
  effect: Effect,
});
export type Fault = z.infer<typeof Fault>;

const TargetShape = {
  app: z.string().optional(),
  machine: z.string().optional(),
  region: z.string().optional(),
  group: z.string().optional(),
  index: z.number().int().nonnegative().optional(),
};
/** Machines a scripted happening is about: all that match every key. */
export const Target = z.strictObject(TargetShape);
export type Target = z.infer<typeof Target>;

/** What a foreign deploy changes. */
export const DeployBody = z.strictObject({
  image: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
});
/** How a process is made to exit. */
export const ExitBody = z.strictObject({ code: z.number().int().default(0), oom: z.boolean().default(false) });

/** What checks are set to. */
export const ChecksBody = z.strictObject({ status: z.enum(['passing', 'warning', 'critical']) });
/** Secrets by name; null removes one. */
export const SecretsBody = z.strictObject({ values: z.record(z.string(), z.string().nullable()) });

/** One scripted happening: exactly one key. */
export const Action = z
  .strictObject({
    createMachines: CreateMachines.optional(),
    destroy: Target.optional(),
    deploy: z.strictObject({ ...TargetShape, ...DeployBody.shape }).optional(),
    autostart: Target.optional(),
    autostop: Target.optional(),
    request: Target.optional(),
    loseSnapshot: Target.optional(),
    checks: z.strictObject({ ...TargetShape, ...ChecksBody.shape }).optional(),
    secrets: z.strictObject({ app: z.string(), ...SecretsBody.shape }).optional(),
    exit: z.strictObject({ ...TargetShape, ...ExitBody.shape }).optional(),
    loseHost: Target.optional(),
    restoreHost: Target.optional(),
    image: z.strictObject({ ref: z.string(), ...ImageSpec.shape }).optional(),
    fault: Fault.optional(),
    clearFaults: z.literal(true).optional(),
  })
  .refine((action) => Object.keys(action).length === 1, 'exactly one happening');
export type Action = z.infer<typeof Action>;

/** A world: its apps, images, times and everything that is to go wrong in it. */
export const Scenario = z.strictObject({
  seed: z.number().int().default(1),
  tokens: z.array(z.string()).optional(),
  timing: Timing.prefault({}),
  switches: Switches.prefault({}),
  images: z.record(z.string(), ImageSpec).default({}),
  apps: z.array(AppBlock).default([]),
  faults: z.array(Fault).default([]),
  at: z.array(z.strictObject({ ms: Ms, do: Action })).default([]),
});
export type Scenario = z.infer<typeof Scenario>;
/** A scenario as people write it: defaults may be left out. */
export type ScenarioInput = z.input<typeof Scenario>;

/** A scenario (or the body of a control call) that is not right: every problem with its path. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Parses with the schema, or throws a `ScenarioError` that names each problem with its path. */
export function parseWith<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new ScenarioError(
    result.error.issues.map((issue) => `${issue.path.map(String).join('.') || '(top)'}: ${issue.message}`),
  );
}

/** Parses a scenario, or throws a `ScenarioError`. */
export function parseScenario(json: unknown): Scenario {
  return parseWith(Scenario, json);
}
