/** A worker of outbound-delivery that delivers nothing: the spec says what each job ends with. For specs only. */
import type { Bus, Hosted } from '@postrider/bus';
import type { MailId } from '@postrider/mail';
import {
  channel as channelProtocol,
  outboundDelivery,
  shard as shardProtocol,
  worker as workerProtocol,
  type ChannelEnd,
  type HeldChannel,
  type Job,
  type OpenChannel,
  type RecipientOutcome,
} from '@postrider/protocol';

export type Ending = RecipientOutcome['outcome'];

export interface FakeWorker {
  readonly name: string;
  /** In the order they came; `taken.at(-1)` is the last. */
  readonly taken: readonly TakenJob[];
  readonly opened: readonly (OpenChannel & { readonly id: string })[];
  /** What a job ends with at once; undefined: it stays in flight. */
  answer: (job: Job) => Ending | undefined;
  /** A connection ends like this as soon as it is opened. */
  refuse: ChannelEnd | undefined;
  /** The next hop reports what becomes of the mail. */
  dsnPassedOn: boolean;
  /** The next hop does not offer DELIVERBY. */
  deliverByDropped: boolean;
  full: boolean;
  /** As a stopped process: it does not say what it holds. */
  silent: boolean;
  /** Open now. */
  channels(): number;
  report(id: MailId, outcome: Ending, recipients?: readonly number[]): Promise<unknown>;
  end(channel: string, end: ChannelEnd): Promise<unknown>;
  beat(): void;
  /** As `kill -9`. */
  kill(): Promise<void>;
}

export interface TakenJob extends Job {
  readonly channel: string;
  readonly shard: string;
  readonly epoch: number;
}

interface State {
  readonly bus: Bus;
  readonly name: string;
  readonly taken: TakenJob[];
  readonly opened: (OpenChannel & { readonly id: string })[];
  readonly channels: Map<
    string,
    {
      readonly hosted: Hosted;
      readonly shard: string;
      readonly site: string;
      readonly epoch: number;
      readonly ids: Set<MailId>;
      closing: boolean;
    }
  >;
}

export async function fakeWorker(bus: Bus, name = 'worker-1'): Promise<FakeWorker> {
  const state: State = { bus, name, taken: [], opened: [], channels: new Map() };
  const hosted = await bus.host(outboundDelivery, () => ({
    handlers: {
      open: async (request) => {
        if (worker.full) return { result: 'refused', text: 'full' };
        const id = `${name}-c${state.opened.length + 1}`;
        state.opened.push({ ...request, id });
        await openChannel(state, worker, { ...request, id });
        return { result: 'opened', channel: id, worker: name };
      },
    },
  }));
  const self = await bus.host(
    workerProtocol,
    () => ({
      handlers: {
        holds: ({ shard }) => {
          if (worker.silent) throw new Error('silent');
          return { channels: heldFor(state, shard) };
        },
      },
    }),
    { key: name },
  );
  const worker: FakeWorker = {
    name,
    taken: state.taken,
    opened: state.opened,
    answer: () => 'delivered',
    refuse: undefined,
    dsnPassedOn: false,
    deliverByDropped: false,
    full: false,
    silent: false,
    channels: () => state.channels.size,
    report: (id, outcome, recipients) => reportJob(state, worker, { id, outcome, recipients }),
    end: (id, end) => endChannel(state, id, end),
    beat: () => beat(state),
    kill: async () => {
      await hosted.stop();
      await self.stop();
      for (const { hosted: one } of state.channels.values()) await one.stop();
      state.channels.clear();
    },
  };
  return worker;
}

async function openChannel(
  state: State,
  worker: FakeWorker,
  { id, shard, site, epoch }: OpenChannel & { readonly id: string },
): Promise<void> {
  const ids = new Set<MailId>();
  const hosted = await state.bus.host(
    channelProtocol,
    () => ({
      handlers: {
        jobs: ({ jobs }) => {
          for (const job of jobs) {
            state.taken.push({ ...job, channel: id, shard, epoch });
            ids.add(job.id);
          }
          setImmediate(() => answerAll(state, worker, jobs));
          return { result: 'taken' };
        },
        holds: () => ({ ids: [...ids] }),
        close: () => {
          const channel = state.channels.get(id);
          if (channel !== undefined) channel.closing = true;
          setImmediate(() => endIfDone(state, id));
        },
      },
    }),
    { key: id },
  );
  state.channels.set(id, { hosted, shard, site, epoch, ids, closing: false });
  if (worker.refuse !== undefined) {
    const end = worker.refuse;
    setImmediate(() => void endChannel(state, id, end));
  }
}

function answerAll(state: State, worker: FakeWorker, jobs: readonly Job[]): void {
  for (const job of jobs) {
    const outcome = worker.answer(job);
    if (outcome === undefined) continue;
    const recipients = job.envelope.recipients.map(({ index }) => index);
    // An owner that dies does not answer.
    reportJob(state, worker, { id: job.id, outcome, recipients }).catch(() => undefined);
  }
}

interface Reported {
  readonly id: MailId;
  readonly outcome: Ending;
  readonly recipients?: readonly number[] | undefined;
}

async function reportJob(
  state: State,
  { dsnPassedOn, deliverByDropped }: FakeWorker,
  { id, outcome, recipients }: Reported,
): Promise<unknown> {
  const job = state.taken.findLast(
    (taken) =>
      taken.id === id && taken.envelope.recipients.some(({ index }) => recipients?.includes(index) ?? true),
  );
  if (job === undefined) throw new Error(`no job ${id}`);
  const { channel, shard, epoch, attempt } = job;
  const diagnostic = { status: statuses[outcome], text: texts[outcome], remoteMta: 'hop.test' };
  const outcomes = [
    {
      recipients: recipients ?? job.envelope.recipients.map(({ index }) => index),
      outcome,
      diagnostic,
      ...(dsnPassedOn ? { dsnPassedOn } : {}),
      ...(deliverByDropped ? { deliverByDropped } : {}),
    },
  ];
  const answer = await state.bus
    .ref(shardProtocol, shard)
    .ask('report', { channel, worker: state.name, epoch, results: [{ id, attempt, outcomes }] });
  state.channels.get(channel)?.ids.delete(id);
  endIfDone(state, channel);
  return answer;
}

/** What it holds is finished before it ends. */
function endIfDone(state: State, id: string): void {
  const channel = state.channels.get(id);
  if (channel?.closing === true && channel.ids.size === 0) void endChannel(state, id, { reason: 'closed' });
}

async function endChannel(state: State, id: string, ended: ChannelEnd): Promise<unknown> {
  const channel = state.channels.get(id);
  if (channel === undefined) return undefined;
  state.channels.delete(id);
  await channel.hosted.stop();
  const results = [...channel.ids].map((mail) => {
    const job = state.taken.findLast((taken) => taken.id === mail);
    const recipients = (job?.envelope.recipients ?? []).map(({ index }) => index);
    const diagnostic = { status: '4.4.2', text: 'channel ended' };
    return {
      id: mail,
      attempt: job?.attempt ?? 1,
      outcomes: [{ recipients, outcome: 'untried' as const, diagnostic }],
    };
  });
  const report = { channel: id, worker: state.name, epoch: 0, results, ended };
  return state.bus.ref(shardProtocol, channel.shard).ask('report', report);
}

function beat(state: State): void {
  const shards = new Set([...state.channels.values()].map(({ shard }) => shard));
  for (const shard of shards)
    void state.bus
      .ref(shardProtocol, shard)
      .ask('beat', { worker: state.name, channels: heldFor(state, shard) })
      .catch(() => undefined);
}

const heldFor = (state: State, wanted: string): readonly HeldChannel[] =>
  [...state.channels].flatMap(([channel, { shard, site, epoch, ids }]) =>
    shard === wanted ? [{ channel, ids: [...ids], site, epoch }] : [],
  );

const statuses: Readonly<Record<Ending, string>> = {
  delivered: '2.0.0',
  relayed: '2.0.0',
  temporary: '4.2.1',
  permanent: '5.1.1',
  unknown: '4.4.2',
  untried: '4.4.2',
};
const texts: Readonly<Record<Ending, string>> = {
  delivered: '250 2.0.0 Ok',
  relayed: '250 2.0.0 Ok',
  temporary: '450 4.2.1 Try later',
  permanent: '550 5.1.1 No such user',
  unknown: 'connection lost after the final dot',
  untried: 'not tried',
};
