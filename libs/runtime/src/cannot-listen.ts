import { StartError } from './service.js';

/** Why a server can't listen, as the operator can mend it. @param where `listeners.mx.listen: 127.0.0.1:25` */
export function cannotListen(where: string, error: unknown): StartError {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return new StartError(`${where} is taken by another program`);
    case 'EACCES':
      return new StartError(`${where} needs the right to use ports below 1024, or another port`);
    case 'EADDRNOTAVAIL':
      return new StartError(`${where} is no address of this machine`);
    default:
      return new StartError(
        `${where} can't be listened on: ${error instanceof Error ? error.message : String(error)}`,
      );
  }
}
