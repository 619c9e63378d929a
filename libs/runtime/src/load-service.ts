/** Services by name. By a computed import: no service and no library depends on a service, a process only runs them. */
import { serviceNames } from '@postrider/protocol';
import { StartError, type ServiceDefinition } from './service.js';

export const runnableServices: readonly string[] = [...serviceNames, 'admin'];

/** @throws StartError for a name that is none */
export async function loadService(name: string): Promise<ServiceDefinition> {
  if (!runnableServices.includes(name))
    throw new StartError(`no service '${name}': ${runnableServices.join(', ')}`);
  const module = (await import(`@postrider/${name}`)) as { readonly service?: ServiceDefinition };
  if (!module.service) throw new StartError(`service '${name}' has no definition`);
  return module.service;
}
