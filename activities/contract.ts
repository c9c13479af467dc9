/** What crosses between workflows and activities: types only, so that no activity code enters the sandbox. */
import type { GateOrder } from '../src/domain/judging.js';
import type { LookOrder } from '../src/domain/look.js';
import type { UpdateOrder } from '../src/domain/orders.js';
import type { GateOutcome, LookOutcome, UpdateOutcome } from '../src/domain/outcomes.js';
import type { Memory, Notice } from '../src/domain/notices.js';
import type { PlanReport } from '../src/domain/plan-report.js';
import type { Plan } from '../src/domain/plan.js';
import type { Source } from '../src/input/types.js';

export interface PlanOrder {
  readonly type: string;
  /** As the operator wrote it: the activity parses it. */
  readonly input: unknown;
  /** This start's part of every mark it writes. */
  readonly start: string;
}

export interface PlanResult {
  readonly plan: Plan;
  readonly report: PlanReport;
}

/** The rollout that is waited for. */
export interface WaitOrder {
  readonly workflowId: string;
  /** Left out: whichever runs under this id. */
  readonly firstRunId?: string;
  /** Between two looks; left out: a few seconds. */
  readonly againMs?: number;
}

/** One sink is told one notice. */
export interface NotifyOrder {
  readonly sink: string;
  readonly notice: Notice;
  readonly source: Source;
  readonly memory: Memory;
  /** It has refused for so long that it is given up at once when it does so again. */
  readonly refuses?: true;
}

export interface Activities {
  /** Parses, checks and pins. Fails with `RolloutRefused` and every problem; writes nothing. */
  planRollout(order: PlanOrder): Promise<PlanResult>;
  /** Looks at the fleet until there is something to do; its retries are the poll. */
  observeFleet(order: LookOrder): Promise<LookOutcome>;
  /** Brings one machine to its target, or says why not. The only activity that writes. */
  updateMachine(order: UpdateOrder): Promise<UpdateOutcome>;
  /** Asks one gate until what it says is news; its retries are the poll. */
  judgeGate(order: GateOrder): Promise<GateOutcome>;
  /** Ends when that rollout has; its retries are the poll. */
  awaitRollout(order: WaitOrder): Promise<void>;
  /** Tells one sink of a rollout, and returns what that is to remember. */
  notify(order: NotifyOrder): Promise<Memory>;
}
