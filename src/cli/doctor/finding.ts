/** What one check found: `fine`, a `warning` with what to do, or a `fault` that keeps the service from running well. */
export interface Finding {
  readonly level: 'fine' | 'warning' | 'fault';
  readonly about: string;
  readonly told: string;
}

export const fine = (about: string, told: string): Finding => ({ level: 'fine', about, told });
export const warning = (about: string, told: string): Finding => ({ level: 'warning', about, told });
export const fault = (about: string, told: string): Finding => ({ level: 'fault', about, told });
