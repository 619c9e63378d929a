/**
 * Takes a mail that is due to its sites: routes its recipients, groups them by site, and queues each group. When all
 * domains are known nothing is awaited.
 */
import { isTooLate } from '@postrider/mail';
import { ContentMissing } from '@postrider/spool';
import type { Announcer } from '../events.js';
import type { MailBook } from '../mail/mail-book.js';
import type { OpenState, Part, QueueMail } from '../mail/queue-mail.js';
import { Batch } from '../outcomes/batch.js';
import type { Finding } from '../outcomes/conclusion.js';
import { Lists } from '../outcomes/lists.js';
import type { Journal } from '../outcomes/journal.js';
import type { Outcomes } from '../outcomes/outcomes.js';
import { tooLate } from '../outcomes/schedule.js';
import { domainOf } from '../routing/address.js';
import type { Placement } from '../routing/placement.js';
import type { Dispatcher } from '../sites/dispatcher.js';
import type { Site } from '../sites/site.js';
import type { Sites } from '../sites/sites.js';
import type { ShardEnvironment } from './environment.js';
import { Turnstile } from '../turnstile.js';

export interface PlacingOptions {
  readonly environment: ShardEnvironment;
  readonly book: MailBook;
  readonly sites: Sites;
  readonly dispatcher: Dispatcher;
  readonly outcomes: Outcomes;
  readonly journal: Journal;
  readonly announcer: Announcer;
  /** A fault of ours, or missing content: the mail is held. */
  readonly hold: (mail: QueueMail, reason: string) => void;
}

/** Recipients that go the same way. */
interface Group {
  readonly placement: Placement;
  readonly opens: OpenState[];
}

/** NATS is away, or the content's replica: another try to read it. */
const readAgainAfter = 2_000;
/** Contents read at once: thousands may be due in the same second, and each reads a bundle of up to 128 KiB. */
const readsAtOnce = 32;

export class Placing {
  readonly #options: PlacingOptions;
  readonly #reads = new Turnstile(readsAtOnce);
  readonly #lists: Lists;

  constructor(options: PlacingOptions) {
    this.#options = options;
    this.#lists = new Lists(options);
  }

  /** Never rejects: what goes wrong with one mail holds that mail. */
  place(mail: QueueMail, opens: readonly OpenState[]): void {
    this.#options.book.to(mail, 'active');
    this.#options.book.enter(mail);
    mail.placing++;
    try {
      const due = opens.some((open) => isAlias(mail, open))
        ? opens.filter((open) => !isAlias(mail, open))
        : opens;
      const groups = this.#groupsNow(mail, due);
      if (groups === undefined || this.#mustWait(mail)) void this.#placeLater(mail, due);
      else this.#finish(mail, groups);
    } catch (fault) {
      this.#fault(mail, fault);
    }
  }

  /** A write or a move is under way, or the content stands in DEFER. */
  #mustWait(mail: QueueMail): boolean {
    return (
      mail.place === 'defer' && (mail.writing !== undefined || (mail.content === undefined && !mail.large))
    );
  }

  async #placeLater(mail: QueueMail, opens: readonly OpenState[]): Promise<void> {
    try {
      const { environment } = this.#options;
      // No attempt from DEFER before 'moved' is durable.
      if (mail.place === 'defer') await mail.writing;
      const { recipients } = mail.envelope;
      const isList = ({ index }: OpenState): boolean => recipients[index]?.list !== undefined;
      if (opens.some(isList) && mail.content === undefined && !mail.large && !(await this.#load(mail))) {
        this.#again(mail, opens);
        return;
      }
      const found = await Promise.all(opens.filter(isList).map((open) => this.#lists.expand(mail, open)));
      const others = opens.filter((open) => !isList(open));
      const placements = await Promise.all(
        others.map(async ({ index }) => {
          const domain = domainOf(recipients[index]?.forwardPath ?? '');
          return environment.router.known(domain) ?? environment.router.place(domain);
        }),
      );
      const groups = new Map<string, Group>();
      others.forEach((open, at) => addTo(groups, open, placements[at]));
      if (this.#needsContent(mail, groups) && !(await this.#load(mail))) {
        this.#again(mail, opens);
        return;
      }
      this.#finish(mail, groups, found);
    } catch (fault) {
      this.#fault(mail, fault);
    }
  }

  #groupsNow(mail: QueueMail, opens: readonly OpenState[]): ReadonlyMap<string, Group> | undefined {
    const { recipients } = mail.envelope;
    const groups = new Map<string, Group>();
    for (const open of opens) {
      const { forwardPath = '', list } = recipients[open.index] ?? {};
      if (list !== undefined) return undefined;
      const placement = this.#options.environment.router.known(domainOf(forwardPath));
      if (placement === undefined) return undefined;
      addTo(groups, open, placement);
    }
    return groups;
  }

  /** Content is read only for a site that takes mail now. */
  #needsContent(mail: QueueMail, groups: ReadonlyMap<string, Group>): boolean {
    if (mail.content !== undefined || mail.large) return false;
    const now = this.#options.environment.clock.now();
    return [...groups.values()].some(
      ({ placement }) =>
        placement.kind === 'site' && this.#options.sites.get(placement.site)?.blockedAt(now) === undefined,
    );
  }

  async #load(mail: QueueMail): Promise<boolean> {
    try {
      const { owner } = this.#options.environment;
      const content = await this.#reads.pass(() => owner.content(mail.id));
      this.#options.book.loaded(mail, content);
      mail.unpack();
      return true;
    } catch (fault) {
      if (fault instanceof ContentMissing) throw fault;
      this.#options.environment.log.warn(
        { mail: mail.id, fault: String(fault) },
        'content could not be read now',
      );
      return false;
    }
  }

  #again(mail: QueueMail, opens: readonly OpenState[]): void {
    this.#options.environment.clock.after(readAgainAfter, () => {
      mail.placing--;
      if (mail.state === 'active') this.place(mail, opens);
    });
  }

  #finish(mail: QueueMail, groups: ReadonlyMap<string, Group>, found: readonly Finding[] = []): void {
    mail.placing--;
    // Held or deleted while it was looked up.
    if (mail.state === 'ended') return;
    const batch = new Batch(this.#options.journal);
    if (mail.held !== undefined) this.#options.outcomes.settle(mail, [], batch);
    else this.#queue(mail, groups, { found, batch });
    batch.flush().catch((fault: unknown) => this.#unwritten(mail, fault));
  }

  #queue(
    mail: QueueMail,
    groups: ReadonlyMap<string, Group>,
    { found, batch }: { readonly found: readonly Finding[]; readonly batch: Batch },
  ): void {
    const findings: Finding[] = [...found, ...expansions(mail)];
    const parts: Part[] = [];
    for (const { placement, opens } of groups.values()) {
      const finding = this.#finding(mail, placement, opens);
      if (finding !== undefined) findings.push(finding);
      else if (placement.kind === 'site') {
        parts.push(partOf(mail, this.#options.sites.at(placement.site, placement.destination), opens));
      }
    }
    if (parts.length > 0) mail.addParts(...parts);
    this.#announce(mail, groups);
    if (findings.length > 0) this.#options.outcomes.conclude(mail, findings, batch);
    for (const part of parts) this.#options.dispatcher.enqueue(part);
  }

  /** What needs no attempt to be known: no route, no such domain, or a site that is left alone for now. */
  #finding(mail: QueueMail, placement: Placement, opens: readonly OpenState[]): Finding | undefined {
    const attempt = nextAttempt(opens);
    const now = this.#options.environment.clock.now();
    if (isTooLate(mail, now)) return { opens, outcome: 'permanent', diagnostic: tooLate, attempt };
    if (placement.kind !== 'site') {
      return { opens, outcome: placement.kind, diagnostic: placement.diagnostic, attempt };
    }
    for (const open of opens) open.site = placement.site;
    const block = this.#options.sites.get(placement.site)?.blockedAt(now);
    if (block === undefined) return undefined;
    return { opens, outcome: 'temporary', diagnostic: block.diagnostic, attempt, notBefore: block.until };
  }

  /** Once for a mail: where each recipient goes, and by which rule. */
  #announce(mail: QueueMail, groups: ReadonlyMap<string, Group>): void {
    if (mail.open.some(({ attempts }) => attempts > 0)) return;
    const sites = [...groups.values()].map(({ placement, opens }) => ({
      site: placement.kind === 'site' ? placement.site : '',
      rule: placement.rule,
      recipients: mail.forwardPaths(opens),
    }));
    this.#options.announcer.queued({ mail: mail.id, shard: this.#options.environment.shard, sites });
  }

  #fault(mail: QueueMail, fault: unknown): void {
    mail.placing = Math.max(0, mail.placing - 1);
    this.#options.hold(mail, fault instanceof ContentMissing ? fault.message : `fault: ${String(fault)}`);
  }

  #unwritten(mail: QueueMail, fault: unknown): void {
    this.#options.environment.log.debug(
      { mail: mail.id, fault: String(fault) },
      'not written: the shard was let go',
    );
  }
}

function addTo(groups: Map<string, Group>, open: OpenState, placement: Placement | undefined): void {
  if (placement === undefined) return;
  const key =
    placement.kind === 'site'
      ? placement.site
      : `${placement.kind} ${placement.diagnostic.status} ${placement.diagnostic.text}`;
  const group = groups.get(key);
  if (group === undefined) groups.set(key, { placement, opens: [open] });
  else group.opens.push(open);
}

/** Its members stand beside it, and it goes nowhere itself. */
const isAlias = ({ envelope }: QueueMail, { index }: OpenState): boolean =>
  envelope.recipients[index]?.expanded === true;

const expandedHere = { status: '2.0.0', text: 'the alias was expanded' };

/** RFC 3461 §5.2.7.3 (c): what is to be said of aliases is known without an attempt. */
function expansions(mail: QueueMail): Finding[] {
  const opens = mail.open.filter((open) => isAlias(mail, open));
  return opens.length === 0 ? [] : [{ opens, outcome: 'expanded', diagnostic: expandedHere, attempt: 0 }];
}

const nextAttempt = (opens: readonly OpenState[]): number =>
  opens.reduce((most, { attempts }) => Math.max(most, attempts), 0) + 1;

export function partOf(mail: QueueMail, site: Site | undefined, opens: readonly OpenState[]): Part {
  return {
    mail,
    opens,
    site,
    attempt: nextAttempt(opens),
    alone: opens.some(({ unknowns }) => unknowns > 0),
    channel: undefined,
    confirmed: false,
    since: 0,
  };
}
