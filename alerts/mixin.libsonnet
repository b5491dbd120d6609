// A monitoring mixin: the rules and dashboards of this repository with the values of `_config`. docs/alerts.md has an example.
//
// The YAML and JSON files are the sources. With the defaults the output equals them.
local groups = std.parseYaml(importstr 'qlara.rules.yml').groups;
local group = groups[0];
local dashboards = {
  'qlara-exporter.json': import '../dashboards/qlara-exporter.json',
  'qlara-profiles.json': import '../dashboards/qlara-profiles.json',
};
local grafanaAlerts = std.parseYaml(importstr '../deploy/grafana/alerting/qlara.yaml');

local alerts = { [rule.alert]: rule for rule in group.rules if std.objectHas(rule, 'alert') };

// What the sources contain in place of these values of `_config`.
local written = {
  qlaraExporterSelector: 'job="qlara"',
  runbookURL: 'https://example.com/qlara-exporter/docs/runbooks',
  grafanaURL: 'https://grafana.example.com',
};

// The thresholds that are the `for` of a Grafana-managed alert.
local waits = {
  QlaraExporterDown: 'exporter_down_after_seconds',
  QlaraGatewayUnreachable: 'unreachable_after_seconds',
  QlaraTokenExpired: 'token_expired_after_seconds',
  QlaraProfileDisconnected: 'disconnected_after_seconds',
};

// The panels that mark thresholds, by title, with the names of their last steps.
local tokens = ['token_imminent_seconds', 'token_near_seconds', 'token_overdue_seconds'];
local marked = {
  'Age of data': ['data_age_seconds'],
  'Error ratio': ['error_ratio'],
  Latency: ['latency_seconds'],
  'Next expiry': tokens,
  'Profiles by urgency': tokens,
  'Quota left': ['quota_left_ratio'],
  'Time since last activity: $platform': ['inactive_seconds'],
  'Time to expiry': tokens,
};

local isThreshold(rule) = std.get(rule, 'record') == 'qlara:threshold';

// The value of an expression such as `vector(2 * 86400)`.
local valueOf(rule) =
  local factors = std.split(std.strReplace(std.strReplace(rule.expr, 'vector(', ''), ')', ''), ' * ');
  std.foldl(function(product, factor) product * std.parseJson(factor), factors, 1);

local defaultThresholds = { [rule.labels.threshold]: valueOf(rule) for rule in group.rules if isThreshold(rule) };

local mapStrings(value, change) =
  if std.isString(value) then change(value)
  else if std.isArray(value) then [mapStrings(item, change) for item in value]
  else if std.isObject(value) then { [key]: mapStrings(value[key], change) for key in std.objectFields(value) }
  else value;

// Gives the last steps of a panel or column these values, if it has as many that are not 0 or the first.
local replaceSteps(value, values) =
  local replaced(steps) =
    local first = std.length(steps) - std.length(values);
    local positive = [step for step in steps if step.value != null && step.value > 0];
    if std.length(positive) != std.length(values) then steps
    else steps[:first] + [steps[first + i] { value: values[i] } for i in std.range(0, std.length(values) - 1)];
  if std.isArray(value) then [replaceSteps(item, values) for item in value]
  else if std.isObject(value) then {
    [key]: if key == 'steps' then replaced(value[key]) else replaceSteps(value[key], values)
    for key in std.objectFields(value)
  }
  else value;

// One selector for each job of a selector. PromQL cannot tell which job of `job=~"a|b"` is absent.
local selectorsOfJobs(selector) =
  // Names and values of the matchers by turns.
  local parts = std.split(selector, '"');
  local at = [i for i in std.range(0, std.length(parts) - 1) if std.member(['job=', 'job=~'], std.stripChars(parts[i], ', '))];
  local jobs = if std.length(at) != 1 then [] else std.split(parts[at[0] + 1], '|');
  local isName(job) = job != '' && std.length(std.setInter(std.set(std.stringChars(job)), std.set(std.stringChars('\\^$*+?()[]{}')))) == 0;
  if jobs == [] || !std.all(std.map(isName, jobs)) then
    error 'qlaraExporterSelector: %s does not name the jobs; expected job="NAME" or job=~"NAME|NAME", and any other matchers' % std.manifestJson(selector)
  else
    local name = std.strReplace(parts[at[0]], '=~', '=');
    [std.join('"', parts[:at[0]] + [name, job] + parts[at[0] + 2:]) for job in jobs];

{
  _config+:: {
    // The exporter's targets, by matchers of `up`. It names the jobs, because each is watched: job=~"qlara|qlara-eu".
    qlaraExporterSelector: written.qlaraExporterSelector,

    // The rules `qlara:threshold` by name: seconds, ratios or numbers. The panels mark the same values.
    thresholds: defaultThresholds,

    // The directory of the runbooks.
    runbookURL: written.runbookURL,

    // Grafana, as a browser reaches it.
    grafanaURL: written.grafanaURL,

    // Tags by which the dashboards link to each other, and their refresh interval.
    dashboardTags: dashboards['qlara-exporter.json'].tags,
    dashboardRefresh: dashboards['qlara-exporter.json'].refresh,

    // The dashboards' uids, by file name. Links use them.
    grafanaDashboardIDs: { [file]: dashboards[file].uid for file in std.objectFields(dashboards) },

    // The uid of the Prometheus data source that Grafana-managed alerts query, and their folder.
    grafanaAlertsDatasource: 'prometheus',
    grafanaAlertsFolder: grafanaAlerts.groups[0].folder,
  },

  local config = self._config,

  local thresholds =
    local unknown = std.setDiff(std.objectFields(config.thresholds), std.objectFields(defaultThresholds));
    if unknown == [] then defaultThresholds + config.thresholds
    else error 'thresholds: unknown %s; known are %s' % [std.join(', ', unknown), std.join(', ', std.objectFields(defaultThresholds))],

  local replaceURLs(value) =
    local texts = [[written.runbookURL, config.runbookURL], [written.grafanaURL, config.grafanaURL]] + [
      ['/d/' + dashboards[file].uid, '/d/' + config.grafanaDashboardIDs[file]]
      for file in std.objectFields(dashboards)
    ];
    local replace(text, pair) = std.strReplace(text, pair[0], pair[1]);
    mapStrings(value, function(text) std.foldl(replace, texts, text)),

  local replaceSelector(expr) =
    local absent(selector) = 'absent_over_time(up{%s}[7m])' % selector;
    local jobs = std.map(absent, selectorsOfJobs(config.qlaraExporterSelector));
    local anyAbsent = if std.length(jobs) == 1 then jobs[0] else '(%s)' % std.join(' or ', jobs);
    std.join(anyAbsent, [
      std.strReplace(part, 'up{' + written.qlaraExporterSelector, 'up{' + config.qlaraExporterSelector)
      for part in std.split(expr, absent(written.qlaraExporterSelector))
    ]),

  local replaceInRule(rule) = replaceURLs(rule) + (
    if isThreshold(rule) && thresholds[rule.labels.threshold] != valueOf(rule) then
      { expr: 'vector(%s)' % thresholds[rule.labels.threshold] }
    else if std.get(rule, 'record') == 'qlara:target_up' then
      { expr: replaceSelector(rule.expr) }
    else {}
  ),

  local replaceInGroup(group) = group { rules: std.map(replaceInRule, group.rules) },

  // The alerts' own recording rules stay in their group, because each rule reads what the rules before it have just recorded, in
  // the same evaluation. As a group in `prometheusRules`, they would be evaluated at another time.
  prometheusAlerts+:: { groups+: [replaceInGroup(group)] },
  prometheusRules+:: { groups+: std.map(replaceInGroup, groups[1:]) },

  local replaceInPanel(panel) =
    local names = std.get(marked, std.get(panel, 'title', ''));
    if names == null then panel else replaceSteps(panel, [thresholds[name] for name in names]),

  local replaceInDashboard(file) = replaceURLs(dashboards[file]) + {
    uid: config.grafanaDashboardIDs[file],
    tags: config.dashboardTags,
    refresh: config.dashboardRefresh,
    links: [if link.type == 'dashboards' then link { tags: config.dashboardTags } else link for link in super.links],
    panels: std.map(replaceInPanel, super.panels),
  },

  grafanaDashboards+:: { [file]: replaceInDashboard(file) for file in std.objectFields(dashboards) },

  local replaceInGrafanaAlert(rule) =
    local alert = replaceURLs(alerts[rule.title]);
    replaceURLs(rule) + {
      data: [
        if query.datasourceUid == '__expr__' then query else query {
          datasourceUid: config.grafanaAlertsDatasource,
          model+: { datasource+: { uid: config.grafanaAlertsDatasource }, expr: replaceSelector(super.expr) },
        }
        for query in super.data
      ],
      labels: alert.labels,
      annotations+: { [name]: alert.annotations[name] for name in ['summary', 'action', 'runbook_url'] },
      [if rule.title in waits then 'for']: '%ds' % thresholds[waits[rule.title]],
    },

  // A provisioning file. The alerts read the exporter's own series, so Prometheus needs no rules.
  grafanaAlerts+:: {
    'qlara.yaml': grafanaAlerts {
      groups: [grafanaAlerts.groups[0] { folder: config.grafanaAlertsFolder, rules: std.map(replaceInGrafanaAlert, super.rules) }],
    },
  },
}
