/** What a NATS server says of itself, before anything is built on it. */
import { connectNats, type NatsAddress } from './connect.js';

export interface ServerFacts {
  readonly version: string;
  readonly jetStream: boolean;
}

/** @throws NatsError when no server answers, or it does not let us in */
export async function askServer(address: NatsAddress, name: string): Promise<ServerFacts> {
  const connection = await connectNats(address, name);
  try {
    const info = connection.info;
    return { version: info?.version ?? '0.0.0', jetStream: info?.jetstream === true };
  } finally {
    await connection.close();
  }
}
