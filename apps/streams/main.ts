import { runCli } from './cli/program.ts';

// What this process and all that it starts write is nobody else's to read.
process.umask(0o077);
process.exit(await runCli(process.argv.slice(2)));
