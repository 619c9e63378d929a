export { connectNats, type NatsAddress } from './connect.js';
