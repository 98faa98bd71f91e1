import fc from 'fast-check';

/** The same for every run of CI, which says what a change does and not what chance does; anywhere else each run looks at new cases. */
const CI_SEED = 20_261_124;

if (process.env.CI === 'true') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: CI_SEED });
