// Compiles each dashboard against the types of the oldest and the newest Grafana:
// node types.mjs FILE...

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, 'node_modules');
let problems = 0;

for (const [version, schema] of [['10', 'grafana-schema-10'], ['13', '@grafana/schema']]) {
  // A directory in which `@grafana/schema` resolves to this version, also for its own files.
  const folder = path.join(here, `grafana-${version}`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(path.join(folder, 'node_modules/@grafana'), { recursive: true });
  fs.symlinkSync(path.join(modules, schema), path.join(folder, 'node_modules/@grafana/schema'));
  fs.copyFileSync(path.join(here, 'dashboard.ts'), path.join(folder, 'dashboard.ts'));
  const sources = process.argv.slice(2).map(file => {
    // In an imported JSON file, "table" would be any string.
    const json = fs.readFileSync(file, 'utf8').trim();
    const source = `${path.basename(file, '.json')}.ts`;
    const head = `import type { DashboardFile } from './dashboard';\n`;
    fs.writeFileSync(path.join(folder, source), `${head}export const dashboard = ${json} satisfies DashboardFile;\n`);
    return source;
  });
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--preserveSymlinks',
    '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022'];
  const tsc = path.join(modules, 'typescript/bin/tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, ...options, ...sources], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) {
    problems++;
    console.log(`With the types of Grafana ${version}:\n${stdout}${stderr}`);
  }
}
process.exit(problems ? 1 : 0);
