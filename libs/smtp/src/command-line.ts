/** A command line as verb and argument (RFC 5321 §4.1.1). */
export interface Command {
  /** Upper case. */
  readonly verb: string;
  readonly argument: string;
}

/** White space at the end should be borne (RFC 5321 §4.1.1); it is between verb and argument, too. */
const spaceAtEnd = /[ \t]+$/;
const spaceAtStart = /^ +/;

export function parseCommandLine(line: string): Command {
  const text = line.replace(spaceAtEnd, '');
  const space = text.indexOf(' ');
  if (space === -1) return { verb: text.toUpperCase(), argument: '' };
  return {
    verb: text.slice(0, space).toUpperCase(),
    argument: text.slice(space + 1).replace(spaceAtStart, ''),
  };
}
