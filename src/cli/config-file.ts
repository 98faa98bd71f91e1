import type { Environment } from '../config/expand.ts';
import { loadConfig } from '../config/load.ts';
import type { ConfigReading } from '../config/parse.ts';
import { strategyNames } from '../pool/strategy/index.ts';
import { providerNames } from '../provider/index.ts';

/** Read where no other is named. */
export const CONFIG_FILE = 'keylease.yaml';

/** Reads a configuration against the strategies and providers that there are. */
export function readConfigFile(path: string, env: Environment): Promise<ConfigReading> {
  return loadConfig(path, env, { strategies: strategyNames, providers: providerNames });
}
