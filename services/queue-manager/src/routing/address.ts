/** The domain of a forward-path, as routes and the resolver take it. */

/** Lower case; an address literal stays in its brackets (RFC 5321 §4.1.3). '' for <Postmaster> without a domain. */
export function domainOf(forwardPath: string): string {
  // The last @: a quoted local part may hold others (RFC 5321 §4.1.2).
  const at = forwardPath.lastIndexOf('@');
  return at === -1 ? '' : forwardPath.slice(at + 1).toLowerCase();
}
