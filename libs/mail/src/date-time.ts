/** date-time of RFC 5322 §3.3. */
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * @param at milliseconds since the epoch
 * @param offsetInMinutes of the zone it is shown in, east of UTC; UTC when absent
 */
export function dateTime(at: number, offsetInMinutes = 0): string {
  const date = new Date(at + offsetInMinutes * 60_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const offset = Math.abs(offsetInMinutes);
  const zone = `${offsetInMinutes < 0 ? '-' : '+'}${two(Math.floor(offset / 60))}${two(offset % 60)}`;
  const day = `${days[date.getUTCDay()] ?? ''}, ${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${zone}`;
}
