/** The command line is a program; nothing imports it. */
export { commands } from './commands/index.js';
