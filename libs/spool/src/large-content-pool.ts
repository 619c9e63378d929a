/** What all large contents of a process may hold in memory together: they share it, and wait for each other. */

/** Gathered for chunks to come, octets. */
const gatheredTogether = 32 * 1024 * 1024;
/** Published and not acknowledged, octets. */
const underWayTogether = 32 * 1024 * 1024;
/** A smaller chunk costs more than it saves. */
const chunkAtLeast = 8 * 1024;

export class LargeContentPool {
  /** Contents that are being written. */
  open = 0;
  readonly #chunkAtMost: number;
  #underWay = 0;
  #waiting: { readonly octets: number; readonly go: () => void }[] = [];

  /** @param chunkAtMost octets */
  constructor(chunkAtMost: number) {
    this.#chunkAtMost = chunkAtMost;
  }

  /** Octets that are worth a chunk: fewer while very many contents are open. */
  get chunkInOctets(): number {
    const share = Math.floor(gatheredTogether / Math.max(1, this.open));
    return Math.min(this.#chunkAtMost, Math.max(chunkAtLeast, share));
  }

  /** Resolves when so much more may be under way. */
  async enter(octets: number): Promise<void> {
    if (this.#waiting.length > 0 || !this.#hasRoom(octets))
      await new Promise<void>((go) => this.#waiting.push({ octets, go }));
    else this.#underWay += octets;
  }

  leave(octets: number): void {
    this.#underWay -= octets;
    for (let next = this.#waiting[0]; next && this.#hasRoom(next.octets); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#underWay += next.octets;
      next.go();
    }
  }

  #hasRoom(octets: number): boolean {
    return this.#underWay + octets <= underWayTogether;
  }
}
