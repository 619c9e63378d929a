/** Which mails an act or a list is about. Pure. */
import type { MailFilter } from '@postrider/protocol';
import type { QueueMail } from '../mail/queue-mail.js';
import { domainOf } from '../routing/address.js';

type Matches = (mail: QueueMail) => boolean;

/** An empty filter matches all of them. */
export function matcher({ ids, address, domain, below, state }: MailFilter): Matches {
  const checks: Matches[] = [];
  if (ids !== undefined) {
    const wanted = new Set(ids);
    checks.push((mail) => wanted.has(mail.id));
  }
  if (state !== undefined) checks.push((mail) => stateName(mail) === state);
  if (address !== undefined) checks.push(byAddress(address.toLowerCase()));
  if (domain !== undefined) checks.push(byDomain(domain.toLowerCase()));
  if (below !== undefined) checks.push(byParent(below.toLowerCase()));
  return (mail) => checks.every((check) => check(mail));
}

const stateName = (mail: QueueMail): MailFilter['state'] | undefined => {
  if (mail.state === 'resting') return 'deferred';
  return mail.state === 'ended' ? undefined : mail.state;
};

/** Compared without case: who looks for a mail rarely knows in which case it was written. */
function byAddress(address: string): Matches {
  return (mail) => {
    if (!mail.mayName(address)) return false;
    const { reversePath, recipients } = mail.envelope;
    return (
      reversePath.toLowerCase() === address ||
      mail.open.some(({ index }) => recipients[index]?.forwardPath.toLowerCase() === address)
    );
  };
}

function byDomain(domain: string): Matches {
  return (mail) =>
    mail.mayName(domain) && mail.open.some((open) => domainOf(mail.forwardPath(open)) === domain);
}

function byParent(parent: string): Matches {
  return (mail) =>
    mail.mayName(parent) &&
    mail.open.some((open) => {
      const domain = domainOf(mail.forwardPath(open));
      return domain === parent || domain.endsWith(`.${parent}`);
    });
}
