// The classic dashboard, and the options of the panels that we use. Grafana fills what a panel's options leave out.
import type * as bargauge from './node_modules/@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen';
import type * as heatmap from './node_modules/@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/types.gen';
import type * as stat from './node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import type * as table from './node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
import type * as timeseries from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
export type { Dashboard } from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';

interface Panel<Options, Custom> {
  options: Partial<Options>;
  custom?: Partial<Custom>;
}
type None = Record<string, never>;

export interface Panels {
  bargauge: Panel<bargauge.Options, None>;
  heatmap: Panel<heatmap.Options, heatmap.FieldConfig>;
  stat: Panel<stat.Options, None>;
  table: Panel<table.Options, table.FieldConfig>;
  timeseries: Panel<timeseries.Options, timeseries.FieldConfig>;
}
