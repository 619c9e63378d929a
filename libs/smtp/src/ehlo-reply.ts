/** The extensions a server names in its reply to EHLO (RFC 5321 §4.1.1.1). */

/** Keyword in upper case → its parameters as one text. */
export type Extensions = ReadonlyMap<string, string>;

/** ehlo-line = ehlo-keyword *( SP ehlo-param ); old servers write `AUTH=LOGIN`. */
const ehloLine = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =]+(.*))?$/;

/** @param lines the reply's texts; the first is the server's name and greeting */
export function parseExtensions(lines: readonly string[]): Extensions {
  const extensions = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const match = ehloLine.exec(line.trim());
    if (match?.[1] !== undefined) extensions.set(match[1].toUpperCase(), match[2] ?? '');
  }
  return extensions;
}

/** Octets a mail may have (RFC 1870 §4); undefined without SIZE, and when it sets no limit: none, 0, or no number. */
export function sizeLimit(extensions: Extensions): number | undefined {
  const text = extensions.get('SIZE') ?? '';
  const size = /^[0-9]{1,20}$/.test(text) ? Number(text) : 0;
  return size > 0 ? size : undefined;
}
