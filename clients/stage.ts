/** What clients in every language are tested against: README.md in this folder. */
import { startStage } from './stage/stage.ts';

const stage = await startStage();
process.stdout.write(`${JSON.stringify(stage.addresses())}\n`);
process.stdin.resume();
process.stdin.once('end', () => void stage.close());
