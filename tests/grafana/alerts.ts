// The type of a file that provisions alerts, from Grafana's published types of the API. The file has no ids of folders.

import type { Query, Rule } from '@grafana/grafana-foundation-sdk/alerting';
import type { TypeReduce, TypeThreshold } from '@grafana/grafana-foundation-sdk/expr';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';

type Model<T> = Omit<T, '_implementsDataqueryVariant'>;

type Data = Omit<Query, 'model'> & { model: Model<Dataquery> | Model<TypeReduce> | Model<TypeThreshold> };

export interface AlertsFile {
  apiVersion: 1;
  groups: {
    name: string;
    folder: string;
    interval: string;
    rules: (Omit<Rule, 'data' | 'folderUID' | 'orgID' | 'ruleGroup'> & { data: Data[] })[];
  }[];
}
