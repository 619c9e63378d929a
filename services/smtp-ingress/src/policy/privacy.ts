/** Who may ask what, as sendmail's PrivacyOptions has it. */
import { mayRelay } from '@postrider/mail';
import type { Config } from '@postrider/runtime';
import type { SessionState } from '../session/session-state.js';
import type { SessionFacts } from '../verbs/verb.js';

export type Asked = Exclude<keyof Config['privacy'], 'banner' | 'need_helo'>;

/** Somebody asks before he has said who he is (sendmail's needvrfyhelo and the like). */
export const asksTooEarly = (state: SessionState, { ingress }: SessionFacts): boolean =>
  ingress.settings.privacy.need_helo && state.name === 'greeting';

export function mayAsk(what: Asked, { ingress, address, identity }: SessionFacts): boolean {
  switch (ingress.settings.privacy[what]) {
    case 'all':
      return true;
    case 'authenticated':
      return identity !== undefined;
    case 'networks':
      return identity !== undefined || mayRelay(address, ingress.settings.relay);
    case 'nobody':
      return false;
  }
}
