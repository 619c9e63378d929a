/** A second process for the specs: hosts the store, and a drawer when it is told a key; ends when its parent does. */
import { connectBus } from './nats-bus.js';
import { drawer, store, storeBehaviour } from './store.fixture.js';

const [server = '', key] = process.argv.slice(2);
const bus = await connectBus({ address: { servers: [server] }, name: 'other', version: '0.1.0' });
await bus.host(store, storeBehaviour(`process ${process.pid}`));
if (key !== undefined) await bus.host(drawer, storeBehaviour(`process ${process.pid}`), { key });
process.once('disconnect', () => process.exit());
process.send?.(bus.instance);
