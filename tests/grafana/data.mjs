// Sends each panel's queries to a Prometheus and the answers through Grafana's own transformations,
// overrides and units, as a browser would: node data.mjs PROMETHEUS JOB FILE...
// Prints the tables as text, and problems on standard error.

import fs from 'node:fs';
import { createRequire } from 'node:module';

// The library needs parts of a browser: this one before it is loaded, the other one afterwards.
globalThis.navigator ??= { language: 'en-GB', languages: ['en-GB'] };
const require = createRequire(import.meta.url);
const grafana = require('@grafana/data');
const { lastValueFrom } = require('rxjs');
globalThis.window ??= globalThis;

const transformers = new Map(Object.values(grafana.standardTransformers).map(one => [one.id, one]));
grafana.standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map(({ id, name }) => ({ id, name, description: '', editor: null, transformation: async () => transformers.get(id) })));
const units = new Set(grafana.getValueFormats().flatMap(category => category.submenu.map(unit => unit.value)));
// Accepts every property unchanged; the panels' own registries are part of Grafana, not of the library.
const properties = ['color', 'decimals', 'links', 'mappings', 'max', 'min', 'noValue', 'thresholds', 'unit',
  'custom.align', 'custom.cellOptions', 'custom.fillOpacity', 'custom.lineStyle'];
const registry = new grafana.Registry(() => properties.map(id => ({
  id, path: id.replace(/^custom\./, ''), isCustom: id.startsWith('custom.'), name: id, settings: {},
  process: value => value, shouldApply: () => true, override: () => null, editor: () => null,
})));
const theme = grafana.createTheme();

const [prometheus, job, ...files] = process.argv.slice(2);
const now = Math.floor(Date.now() / 1000);
let problems = 0;

for (const file of files) {
  const dashboard = JSON.parse(fs.readFileSync(file, 'utf8'));
  const report = (place, problem) => {
    problems++;
    console.error(`${dashboard.uid}: ${place}: ${problem}`);
  };
  if (JSON.stringify(dashboard, null, 2) + '\n' !== fs.readFileSync(file, 'utf8')) {
    report('file', 'is not indented as Grafana exports it');
  }
  for (const panel of dashboard.panels.flatMap(row => [row, ...row.panels ?? []]).filter(panel => panel.targets)) {
    await check(dashboard, panel, problem => report(panel.title, problem));
  }
  for (const variable of dashboard.templating.list.filter(one => one.regex)) {
    await checkPattern(dashboard, variable, problem => report(`variable ${variable.name}`, problem));
  }
}
process.exit(problems ? 1 : 0);

async function check(dashboard, panel, report) {
  const { defaults, overrides } = panel.fieldConfig;
  const configured = overrides.flatMap(override => override.properties);
  for (const unit of [defaults.unit, ...configured.filter(one => one.id === 'unit').map(one => one.value)]) {
    if (!units.has(unit)) report(`there is no unit ${unit}`);
  }
  for (const { id } of configured) {
    if (!properties.includes(id)) report(`this check does not know the property ${id}`);
  }
  const calculations = [...panel.options.reduceOptions?.calcs ?? [], ...panel.options.legend?.calcs ?? []];
  const reducers = calculations.map(id => grafana.fieldReducers.getIfExists(id) ?? report(`there is no calculation ${id}`));
  const legendSort = panel.options.legend?.sortBy;
  if (legendSort && !reducers.some(reducer => reducer?.name === legendSort)) {
    report(`the legend is sorted by ${legendSort}, which it does not show`);
  }

  if (panel.type === 'stat') checkNoValue(panel, report);

  let frames = (await Promise.all(panel.targets.map(target => read(dashboard, target, panel.targets.length > 1)))).flat();
  for (const { id, options } of panel.transformations ?? []) {
    if (!transformers.has(id)) {
      report(`there is no transformation ${id}`);
      continue;
    }
    if (id === 'organize') {
      const there = new Set(frames.flatMap(frame => frame.fields.map(field => field.name)));
      for (const name of Object.values(options).flatMap(Object.keys)) {
        // The default account has no name.
        if (!there.has(name) && name !== 'account') report(`organize names no column: ${name}`);
      }
    }
    frames = await lastValueFrom(grafana.transformDataFrame([{ id, options }], frames));
  }
  const data = grafana.applyFieldOverrides({
    data: frames, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: text => text, theme, timeZone: 'utc',
  });
  if (panel.type === 'table' && data.length !== 1) report(`a table of ${data.length} frames`);

  const fields = data.flatMap(frame => frame.fields.map(field => ({ field, name: grafana.getFieldDisplayName(field, frame, data) })));
  const columns = new Set(fields.map(({ name }) => name));
  const matches = {
    byName: name => columns.has(name),
    byType: type => fields.some(({ field }) => field.type === type),
    byFrameRefID: ref => panel.targets.some(target => target.refId === ref),
  };
  for (const { matcher } of overrides) {
    if (!matches[matcher.id](matcher.options)) report(`an override ${matcher.id} matches nothing: ${matcher.options}`);
  }
  for (const { displayName } of panel.options.sortBy ?? []) {
    if (!columns.has(displayName)) report(`sortBy names no column: ${displayName}`);
  }
  const links = configured.filter(one => one.id === 'links').flatMap(one => one.value);
  for (const [, column] of links.flatMap(link => [...link.url.matchAll(/__data\.fields\.(\w+)/g)])) {
    if (!columns.has(column)) report(`a link names no column: ${column}`);
  }
  for (const { field, name } of fields) {
    const named = (field.config.mappings ?? []).filter(mapping => mapping.type === 'value').flatMap(mapping => Object.keys(mapping.options));
    const odd = field.values.find(value => named.length && value !== null && !named.includes(String(value)));
    if (field.type === 'number' && odd !== undefined) report(`${name} has no text for ${odd}`);
  }
  if (panel.type === 'table') {
    const rows = table(data[0]);
    console.log(`\n${panel.title}\n${[[...columns], ...rows].map(row => row.join(' | ')).join('\n')}`);
    // The columns that identify a profile: two rows of one profile would contradict each other.
    const keys = ['Account', 'Platform', 'Profile'].map(name => [...columns].indexOf(name));
    const seen = rows.map(row => keys.map(key => row[key]).join(' '));
    const twice = seen.find((key, at) => seen.indexOf(key) !== at);
    if (!rows.length || twice) report(rows.length ? `two rows of ${twice}` : 'no rows');
  }
}

// Without data, a number must show its text for no value, in the colour of the first step.
function checkNoValue({ fieldConfig: { defaults }, options }, report) {
  const steps = defaults.thresholds.steps.map(step => ({ ...step, value: step.value ?? -Infinity }));
  const [{ display }] = grafana.getFieldDisplayValues({
    data: [], fieldConfig: { defaults: { ...defaults, thresholds: { ...defaults.thresholds, steps } }, overrides: [] },
    reduceOptions: options.reduceOptions, replaceVariables: text => text, theme, timeZone: 'utc',
  });
  if (display.text !== defaults.noValue) report(`no value is shown as ${display.text}`);
  if (display.color !== steps[0].color) report(`no value is ${display.color}`);
}

// The cells as text.
function table(frame) {
  return Array.from({ length: frame.length }, (_, row) =>
    frame.fields.map(field => grafana.formattedValueToString(field.display(field.values[row]))));
}

// The regular expression of a variable must find a text and a value in every result, as Grafana writes it.
async function checkPattern(dashboard, variable, report) {
  const [, pattern, flags] = variable.regex.match(/^\/(.*)\/(\w*)$/);
  const [, expression] = variable.query.query.match(/^query_result\((.*)\)$/);
  const results = await ask('query', { query: interpolate(dashboard, expression), time: now });
  for (const { metric, value } of results) {
    const labels = Object.entries(metric).map(([name, text]) => `${name}="${text}"`);
    const written = `{${labels.join(',')}} ${value[1]} ${value[0] * 1000}`;
    const found = [...written.matchAll(new RegExp(pattern, flags))].map(match => match.groups);
    for (const group of ['text', 'value']) {
      if (!found.some(groups => groups[group])) report(`no ${group} in ${written}`);
    }
  }
  if (!results.length) report('no values');
}

// The data frames that Grafana's Prometheus data source creates from a response.
async function read(dashboard, { refId, expr, legendFormat, format, instant }, several) {
  const query = interpolate(dashboard, expr);
  const results = instant ? await ask('query', { query, time: now }) : await ask('query_range', { query, start: now - 15, end: now, step: 1 });
  const points = result => result.values ?? [result.value];
  const times = list => ({ name: 'Time', type: 'time', config: {}, values: list.map(([time]) => time * 1000) });
  const numbers = list => list.map(([, value]) => Number(value));
  if (format === 'table') {
    const names = [...new Set(results.flatMap(result => Object.keys(result.metric)))].sort();
    const values = results.flatMap(points);
    return [grafana.toDataFrame({ refId, fields: [
      times(values),
      ...names.map(name => ({ name, type: 'string', config: {}, values: results.map(result => result.metric[name] ?? '') })),
      { name: several ? `Value #${refId}` : 'Value', type: 'number', config: {}, values: numbers(values) },
    ] })];
  }
  return results.map(result => {
    const list = points(result);
    const displayNameFromDS = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => result.metric[label] ?? '') || undefined;
    return grafana.toDataFrame({ refId, fields: [
      times(list), { name: 'Value', type: 'number', labels: result.metric, config: { displayNameFromDS }, values: numbers(list) },
    ] });
  });
}

function interpolate(dashboard, query) {
  const values = Object.fromEntries(dashboard.templating.list.map(variable => [variable.name, variable.allValue]));
  return query.replaceAll('$__rate_interval', '10s').replace(/\$(\w+)/g, (_, name) => name === 'job' ? job : values[name]);
}

async function ask(path, parameters) {
  const answer = await (await fetch(`${prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json();
  if (answer.status !== 'success') throw new Error(`${parameters.query}: ${answer.error}`);
  return answer.data.result;
}
