// The type of a dashboard file, derived from Grafana's published types. Those describe a dashboard in
// memory, so some types are adapted to the file.

import type {
  AnnotationQuery, Dashboard, DataSourceRef, FieldColor, FieldConfig, RowPanel, ThresholdsConfig,
  ValueMapping, VariableModel,
} from '@grafana/schema';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// Literals instead of enums; every field is optional.
type InFile<T> =
  0 extends 1 & T ? T // any
  : T extends string ? (string extends T ? string : `${T}`)
  : T extends number ? (`${number}` extends `${T}` ? number : `${T}` extends `${infer N extends number}` ? N : never)
  : T extends boolean | null | undefined ? T
  : T extends (infer U)[] ? InFile<U>[]
  : T extends object ? { [K in keyof T]?: InFile<T[K]> }
  : T;

interface Thresholds {
  mode: `${ThresholdsConfig['mode']}`;
  // JSON has no -Infinity for the first step.
  steps: { color: string; value: number | null }[];
}

interface Link {
  title: string;
  url: string;
  targetBlank: boolean;
}

type Property<Custom> =
  | { id: 'unit' | 'displayName' | 'noValue'; value: string }
  | { id: 'decimals' | 'min' | 'max'; value: number }
  | { id: 'color'; value: InFile<FieldColor> }
  | { id: 'links'; value: Link[] }
  | { id: 'mappings'; value: InFile<ValueMapping>[] }
  | { id: 'thresholds'; value: Thresholds }
  | { [K in keyof Custom & string]: { id: `custom.${K}`; value: InFile<Custom[K]> } }[keyof Custom & string];

interface Override<Custom> {
  matcher: { id: 'byName' | 'byType' | 'byFrameRefID'; options: string };
  properties: Property<Custom>[];
}

interface Target {
  refId: string;
  datasource: DataSourceRef;
  editorMode: 'code';
  expr: string;
  legendFormat: string;
  instant: boolean;
  range: boolean;
  format?: 'table' | 'time_series' | 'heatmap';
}

interface Position { x: number; y: number; w: number; h: number }

interface Panel<Type extends string, Options, Custom> {
  id: number;
  type: Type;
  title: string;
  description: string;
  datasource: DataSourceRef;
  gridPos: Position;
  targets: Target[];
  fieldConfig: {
    defaults: InFile<Omit<FieldConfig, 'custom' | 'thresholds'>> & { custom?: InFile<Custom>; thresholds?: Thresholds };
    overrides: Override<Custom>[];
  };
  options: InFile<Options>;
  transformations?: { id: string; options: Record<string, unknown> }[];
}

type DataPanel =
  | Panel<'bargauge', BarGauge.Options, {}>
  | Panel<'stat', Stat.Options, {}>
  | Panel<'state-timeline', StateTimeline.Options, StateTimeline.FieldConfig>
  | Panel<'table', Table.Options, Table.FieldConfig>
  | Panel<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig>;

// Grafana publishes no types of the alert list: these are the options of its panel.
interface AlertList {
  id: number;
  type: 'alertlist';
  title: string;
  description: string;
  gridPos: Position;
  options: {
    viewMode: 'list';
    groupMode: 'default';
    groupBy: string[];
    maxItems: number;
    sortOrder: 1 | 2 | 3 | 4 | 5;
    dashboardAlerts: boolean;
    alertName: string;
    alertInstanceLabelFilter: string;
    datasource: string;
    folder: string;
    showInactiveAlerts: boolean;
    showInstances: boolean;
    stateFilter: Record<'firing' | 'pending' | 'recovering' | 'noData' | 'normal' | 'error', boolean>;
  };
}

interface Row extends Pick<RowPanel, 'id' | 'collapsed' | 'title' | 'repeat'> {
  type: 'row';
  gridPos: Position;
  panels: DataPanel[];
}

// Fields of the Prometheus data source, which Grafana's types do not define.
type Annotation = InFile<AnnotationQuery> & {
  expr?: string; step?: string; titleFormat?: string; textFormat?: string; tagKeys?: string;
};
type Variable = InFile<VariableModel> & { definition?: string };

export type DashboardFile = Omit<InFile<Dashboard>, 'annotations' | 'id' | 'panels' | 'templating'> & {
  id: null;
  uid: string;
  title: string;
  annotations: { list: Annotation[] };
  panels: (AlertList | DataPanel | Row)[];
  templating: { list: Variable[] };
};
