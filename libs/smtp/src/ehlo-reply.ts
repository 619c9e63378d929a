/** The extensions a server names in its reply to EHLO (RFC 5321 §4.1.1.1). */

/** Upper case keyword → its parameters. */
export type Extensions = ReadonlyMap<string, string>;

/** @param lines the reply's texts; the first is the server's name and greeting */
export function parseExtensions(lines: readonly string[]): Extensions {
  const extensions = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =](.*))?$/.exec(line.trim());
    if (match?.[1] !== undefined) extensions.set(match[1].toUpperCase(), match[2] ?? '');
  }
  return extensions;
}

/** RFC 1870 §3: undefined without SIZE, or when it sets no limit. */
export function sizeLimit(extensions: Extensions): number | undefined {
  const size = Number(extensions.get('SIZE') ?? '');
  return Number.isSafeInteger(size) && size > 0 ? size : undefined;
}
