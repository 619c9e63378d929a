/** What an alias does to the parameters of DSN that came with it (RFC 3461 §5.2.7). */
import type { Notify, Recipient } from '@postrider/mail';
import type { RcptParameters } from '../extensions.js';
import type { AcceptedForwardPath } from './recipients.js';

const expandedNotify: readonly Notify[] = ['SUCCESS'];

/**
 * The recipients with what the sender wants to hear of them. One that leads to one address passes all of it on
 * (§5.2.7.2); with several, success is reported of the alias itself, and of its members only what goes wrong (§5.2.7.3 (c)).
 *
 * @param reports false: nobody can be told, since the reverse-path is null (RFC 3461 §5.2)
 */
export function withDsn(
  accepted: AcceptedForwardPath,
  { notify, orcpt }: Pick<RcptParameters, 'notify' | 'orcpt'>,
  reports: boolean,
): AcceptedForwardPath {
  if (notify === undefined && orcpt === undefined) return accepted;
  const { given, recipients } = accepted;
  const named = orcpt === undefined ? {} : { orcpt };
  const successOfAlias = recipients.length > 1 && notify?.includes('SUCCESS') === true;
  const wanted = successOfAlias ? withoutSuccess(notify) : notify;
  const told = { ...named, ...(wanted === undefined ? {} : { notify: wanted }) };
  const alias: readonly Recipient[] =
    successOfAlias && reports
      ? [{ forwardPath: given, ...named, notify: expandedNotify, expanded: true }]
      : [];
  return { given, recipients: [...recipients.map((recipient) => ({ ...recipient, ...told })), ...alias] };
}

/** Of whom only success was asked for nothing is said any more. */
function withoutSuccess(notify: readonly Notify[]): readonly Notify[] {
  const others = notify.filter((word) => word !== 'SUCCESS');
  return others.length === 0 ? ['NEVER'] : others;
}
