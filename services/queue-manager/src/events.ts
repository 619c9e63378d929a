/**
 * The events of queue-manager. Ids follow from the fact: a mail's are `<mail>:<event>:<attempt>:<first recipient>`,
 * so that a takeover tells the same fact with the same id.
 */
import type { Bus } from '@postrider/bus';
import type { MailId } from '@postrider/mail';
import type { EventFacts, EventName } from '@postrider/protocol';
import type { Fact } from './outcomes/conclusion.js';

type Facts<E extends EventName<'queue-manager'>> = EventFacts['queue-manager'][E];

export class Announcer {
  readonly #bus: Bus;
  /** Recipients, by kind of fact, since the start of the process. */
  readonly #recipients: Record<Fact['kind'], number> = {
    deferred: 0,
    failed: 0,
    expired: 0,
    unknown: 0,
    held: 0,
  };

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  figures(): Readonly<Record<string, number>> {
    const { deferred, failed, expired, unknown, held } = this.#recipients;
    return {
      recipientsDeferred: deferred,
      recipientsFailed: failed,
      recipientsExpired: expired,
      recipientsUnknown: unknown,
      recipientsHeld: held,
    };
  }

  taken(facts: Facts<'taken'>): void {
    this.#bus.publishEvent('queue-manager', 'taken', facts, {
      id: `shard-${facts.shard}:taken:${facts.epoch}`,
    });
  }

  letGo(facts: Facts<'let_go'>): void {
    this.#bus.publishEvent('queue-manager', 'let_go', facts, {
      id: `shard-${facts.shard}:let_go:${facts.epoch}`,
    });
  }

  queued(facts: Facts<'queued'>): void {
    this.#bus.publishEvent('queue-manager', 'queued', facts, { id: `${facts.mail}:queued` });
  }

  bounced(facts: Facts<'bounced'>): void {
    this.#bus.publishEvent('queue-manager', 'bounced', facts, { id: `${facts.dsn}:bounced` });
  }

  held(mail: MailId, reason: string, at: number): void {
    this.#bus.publishEvent('queue-manager', 'held', { mail, reason }, { id: `${mail}:held:${at}` });
  }

  expanded(facts: Facts<'expanded'>): void {
    this.#bus.publishEvent('queue-manager', 'expanded', facts, { id: `${facts.page}:expanded` });
  }

  quarantined(facts: Facts<'quarantined'>): void {
    this.#bus.publishEvent('queue-manager', 'quarantined', facts, {
      id: `shard-${facts.shard}:quarantined:${facts.key}`,
    });
  }

  acted(event: 'released' | 'retried', mail: MailId, at: number): void {
    this.#bus.publishEvent('queue-manager', event, { mail }, { id: `${mail}:${event}:${at}` });
  }

  deleted(mail: MailId, by: string): void {
    this.#bus.publishEvent('queue-manager', 'deleted', { mail, by }, { id: `${mail}:deleted` });
  }

  siteBlocked(facts: Facts<'site_blocked'>): void {
    this.#bus.publishEvent('queue-manager', 'site_blocked', facts);
  }

  fact(mail: MailId, { kind, recipients, first, attempt, until, diagnostic }: Fact): void {
    this.#recipients[kind] += recipients.length;
    const id = `${mail}:${kind}:${attempt}:${first}`;
    const common = { mail, recipients, diagnostic };
    const time = new Date(until).toISOString();
    switch (kind) {
      case 'deferred': {
        this.#bus.publishEvent('queue-manager', kind, { ...common, attempt, until: time }, { id });
        return;
      }
      case 'failed': {
        this.#bus.publishEvent('queue-manager', kind, { ...common, attempt }, { id });
        return;
      }
      case 'expired': {
        this.#bus.publishEvent('queue-manager', kind, common, { id });
        return;
      }
      case 'unknown': {
        this.#bus.publishEvent('queue-manager', kind, { ...common, until: time }, { id });
        return;
      }
      case 'held': {
        this.#bus.publishEvent('queue-manager', kind, { mail, reason: diagnostic.text }, { id });
        return;
      }
    }
  }
}
