// Compiles the alerts of standard input, as JSON, against Grafana's published types.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const json = fs.readFileSync(0, 'utf8').trim();
const source = `import type { AlertsFile } from './alerts';\nexport const alerts = ${json} satisfies AlertsFile;\n`;
// Tests run at the same time.
const file = path.join(here, `alerts-${process.pid}.ts`);
fs.writeFileSync(file, source);
const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext',
  '--moduleResolution', 'bundler', '--target', 'es2022'];
const tsc = path.join(here, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, ...options, file], { cwd: here, stdio: 'inherit' });
fs.rmSync(file);
process.exit(status);
