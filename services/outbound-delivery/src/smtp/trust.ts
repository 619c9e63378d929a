/** Whose certificates prove who a next hop is: Node's own list, and those of `outbound.ca_file`. */
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { Logger } from '@postrider/runtime';

export class Trust {
  readonly #log: Logger;
  #file = '';
  #context: SecureContext | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Read when the configuration names another file.
   * @param file PEM; '' is none
   * @returns undefined for Node's own list alone, which it also is while the file can't be used: less is proven then
   */
  context(file: string): SecureContext | undefined {
    if (file === this.#file) return this.#context;
    this.#file = file;
    this.#context = undefined;
    if (file === '') return undefined;
    try {
      this.#context = createSecureContext({ ca: [...rootCertificates, readFileSync(file, 'utf8')] });
    } catch (fault) {
      this.#log.error({ file, fault: String(fault) }, 'outbound.ca_file can not be used');
    }
    return this.#context;
  }
}
