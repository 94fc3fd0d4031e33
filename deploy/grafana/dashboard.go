package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// here selects the servers that the person at the dashboard has chosen.
const here = `job="$job",instance=~"$instance"`

// source is the Prometheus that the person has chosen.
var source = common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}

// query is a line of a panel: what it asks, and what the line is called.
type query struct{ expr, legend string }

// build lays the dashboard out: what everybody asks first on top, then a row an idea.
func build() (dashboard.Dashboard, error) {
	return dashboard.NewDashboardBuilder("jrweb").
		Uid("jrweb").
		Description("Live event streams of agent runs. docs/operations.md says what each metric means.").
		Tags([]string{"jrweb"}).
		Refresh("30s").
		Time("now-3h", "now").
		Timezone("browser").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(labelValues("job", "Job", `label_values(jrweb_build_info, job)`)).
		WithVariable(labelValues("instance", "Server", `label_values(jrweb_build_info{job="$job"}, instance)`).
			Multi(true).IncludeAll(true).AllValue(".*")).
		WithRow(dashboard.NewRowBuilder("Now")).
		WithPanel(number("Up", "short", `min(up{`+here+`})`)).
		WithPanel(number("Runs under way", "short", `sum(jrweb_sessions_open{`+here+`})`)).
		WithPanel(number("Streams open", "short", `sum(jrweb_streams_active{`+here+`})`)).
		WithPanel(number("Events a second", "cps", `sum(rate(jrweb_events_appended_total{`+here+`}[$__rate_interval]))`)).
		WithPanel(number("Agents cost, an hour", "currencyUSD", `sum(increase(jrweb_agent_cost_usd_total{`+here+`}[1h]))`)).
		WithPanel(number("Log in use", "bytes", `sum(jrweb_log_size_bytes{`+here+`} - jrweb_log_free_bytes{`+here+`})`)).
		WithRow(dashboard.NewRowBuilder("Appends")).
		WithPanel(graph("Events appended, by type", "cps",
			query{`sum by (type) (rate(jrweb_events_appended_total{` + here + `}[$__rate_interval]))`, "{{type}}"})).
		WithPanel(graph("How long appends take", "s", quantiles("jrweb_append_seconds")...)).
		WithPanel(graph("Events in an append", "short", quantiles("jrweb_append_batch_events")...)).
		WithPanel(graph("Appends that failed, by reason", "cps",
			query{`sum by (reason) (rate(jrweb_append_errors_total{` + here + `}[$__rate_interval]))`, "{{reason}}"})).
		WithPanel(graph("Damaged records", "short", query{`jrweb_damaged_records_total{` + here + `}`, "{{instance}}"})).
		WithRow(dashboard.NewRowBuilder("Streams")).
		WithPanel(graph("Streams open", "short", query{`jrweb_streams_active{` + here + `}`, "{{instance}}"})).
		WithPanel(graph("Commit to written", "s", quantiles("jrweb_stream_delivery_seconds")...)).
		WithPanel(graph("Streams opened", "cps",
			query{`sum by (resumed) (rate(jrweb_streams_opened_total{` + here + `}[$__rate_interval]))`, "resumed: {{resumed}}"})).
		WithPanel(graph("Streams ended, by reason", "cps",
			query{`sum by (reason) (rate(jrweb_stream_disconnects_total{` + here + `}[$__rate_interval]))`, "{{reason}}"})).
		WithPanel(graph("Events sent", "cps",
			query{`sum by (phase) (rate(jrweb_stream_events_sent_total{` + here + `}[$__rate_interval]))`, "{{phase}}"})).
		WithPanel(graph("Bytes sent", "Bps",
			query{`sum(rate(jrweb_stream_bytes_sent_total{` + here + `}[$__rate_interval]))`, "bytes"})).
		WithPanel(graph("Heartbeats, and looks that found nothing or something", "cps",
			query{`sum(rate(jrweb_stream_heartbeats_total{` + here + `}[$__rate_interval]))`, "heartbeats"},
			query{`sum by (result) (rate(jrweb_stream_polls_total{` + here + `}[$__rate_interval]))`, "polls: {{result}}"})).
		WithPanel(graph("Cursors that meant nothing", "cps",
			query{`sum by (reason) (rate(jrweb_stream_resets_total{` + here + `}[$__rate_interval]))`, "{{reason}}"})).
		WithRow(dashboard.NewRowBuilder("Runs and what they cost")).
		WithPanel(graph("Runs open", "short", query{`jrweb_sessions_open{` + here + `}`, "{{instance}}"})).
		WithPanel(graph("Runs ended in an hour, by status", "short",
			query{`sum by (status) (increase(jrweb_sessions_sealed_total{` + here + `}[1h]))`, "{{status}}"})).
		WithPanel(graph("US dollars in an hour, by model", "currencyUSD",
			query{`sum by (model) (increase(jrweb_agent_cost_usd_total{` + here + `}[1h]))`, "{{model}}"})).
		WithPanel(graph("US dollars of the budget", "currencyUSD",
			query{`jrweb_budget_spent_usd{` + here + `}`, "{{instance}}"},
			query{`jrweb_budget_usd{` + here + `}`, "{{instance}}: the budget"})).
		WithPanel(graph("Tokens a second, by kind", "cps",
			query{`sum by (kind) (rate(jrweb_agent_tokens_total{` + here + `}[$__rate_interval]))`, "{{kind}}"})).
		WithRow(dashboard.NewRowBuilder("Requests")).
		WithPanel(graph("Requests, by status", "reqps",
			query{`sum by (code) (rate(jrweb_http_request_seconds_count{` + here + `}[$__rate_interval]))`, "{{code}}"})).
		WithPanel(graph("Slowest one in a hundred, by route", "s",
			query{`histogram_quantile(0.99, sum by (route, le) (rate(jrweb_http_request_seconds_bucket{` + here + `}[$__rate_interval])))`, "{{route}}"})).
		WithPanel(graph("Requests, by route", "reqps",
			query{`sum by (route, method) (rate(jrweb_http_request_seconds_count{` + here + `}[$__rate_interval]))`, "{{method}} {{route}}"})).
		WithPanel(graph("Memory of request bodies", "bytes", query{`jrweb_request_bodies_bytes{` + here + `}`, "{{instance}}"})).
		WithRow(dashboard.NewRowBuilder("Cluster")).
		WithPanel(graph("Position: the same on all servers, or nearly", "short", query{`jrweb_cluster_position{` + here + `}`, "{{instance}}"})).
		WithPanel(graph("Commits that a server lacks", "short", query{`jrweb_cluster_lag{` + here + `}`, "{{instance}}"})).
		WithPanel(graph("Commits a second, and those made in vain", "cps",
			query{`rate(jrweb_cluster_position{` + here + `}[$__rate_interval])`, "{{instance}}"},
			query{`rate(jrweb_cluster_conflicts_total{` + here + `}[$__rate_interval])`, "{{instance}} in vain"})).
		WithPanel(graph("Connections to the cluster, and what its settings break", "short",
			query{`jrweb_cluster_connected{` + here + `}`, "{{instance}} connected"},
			query{`jrweb_cluster_writer{` + here + `}`, "{{instance}} writes"},
			query{`max by (what) (jrweb_cluster_weakness{` + here + `})`, "weak: {{what}}"})).
		WithPanel(graph("Age of the newest snapshot", "s",
			query{`time() - (jrweb_cluster_snapshot_timestamp_seconds{` + here + `} > 0)`, "{{instance}}"})).
		WithPanel(graph("Commits behind the newest snapshot", "short",
			query{`jrweb_cluster_position{` + here + `} - jrweb_cluster_snapshot_position{` + here + `}`, "{{instance}}"})).
		WithPanel(graph("Snapshots an hour, and bytes of the newest", "short",
			query{`sum by (result) (increase(jrweb_cluster_snapshots_total{` + here + `}[1h]))`, "{{result}}"},
			query{`max(jrweb_cluster_snapshot_stored_bytes{` + here + `})`, "bytes"})).
		WithRow(dashboard.NewRowBuilder("Log and process")).
		WithPanel(graph("Log on disk", "bytes",
			query{`jrweb_log_size_bytes{` + here + `}`, "{{instance}} file"},
			query{`jrweb_log_size_bytes{` + here + `} - jrweb_log_free_bytes{` + here + `}`, "{{instance}} in use"})).
		WithPanel(graph("Memory", "bytes",
			query{`process_resident_memory_bytes{` + here + `}`, "{{instance}} resident"},
			query{`go_memstats_heap_inuse_bytes{` + here + `}`, "{{instance}} heap"})).
		WithPanel(graph("Processor", "percentunit", query{`rate(process_cpu_seconds_total{` + here + `}[$__rate_interval])`, "{{instance}}"})).
		WithPanel(graph("Files open, and goroutines", "short",
			query{`process_open_fds{` + here + `}`, "{{instance}} files"},
			query{`go_goroutines{` + here + `}`, "{{instance}} goroutines"})).
		Build()
}

// labelValues is a variable that the person chooses.
func labelValues(name, label, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(source).
		Query(dashboard.StringOrMap{String: &query}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc)
}

// number shows what one query says now, six to a row.
func number(title, unit, expr string) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Title(title).Unit(unit).Datasource(source).Span(4).Height(4).
		GraphMode(common.BigValueGraphModeArea).
		WithTarget(prometheus.NewDataqueryBuilder().Expr(expr).RefId("A").Range())
}

// graph shows queries over time, two graphs to a row.
func graph(title, unit string, queries ...query) *timeseries.PanelBuilder {
	panel := timeseries.NewPanelBuilder().Title(title).Unit(unit).Datasource(source).Span(12).Height(8).
		Min(0).FillOpacity(10).ShowPoints(common.VisibilityModeNever)
	for i, q := range queries {
		panel.WithTarget(prometheus.NewDataqueryBuilder().Expr(q.expr).LegendFormat(q.legend).RefId(string(rune('A' + i))).Range())
	}
	return panel
}

// quantiles are those of a histogram that people ask for.
func quantiles(histogram string) []query {
	of := func(q string) string {
		return `histogram_quantile(` + q + `, sum by (le) (rate(` + histogram + `_bucket{` + here + `}[$__rate_interval])))`
	}
	return []query{{of("0.5"), "half"}, {of("0.95"), "95%"}, {of("0.99"), "99%"}}
}
