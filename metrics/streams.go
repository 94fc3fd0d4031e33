package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/streamer"
)

// rejected is the reason of a stream that was refused. It was never open.
const rejected = "rejected"

// disconnectReasons are the reasons that have a series from the start.
var disconnectReasons = []string{
	string(streamer.Complete), string(streamer.ClientGone), string(streamer.WriteTimeout),
	string(streamer.Shutdown), rejected, string(streamer.Deleted),
	string(streamer.Revoked), // streamer.Revoked: the permission of the client ended
	string(streamer.Failed),
}

// streamMetrics are the metrics of streams of events.
type streamMetrics struct {
	active      prometheus.Gauge
	opened      *prometheus.CounterVec
	disconnects *prometheus.CounterVec
	events      *prometheus.CounterVec
	bytes       prometheus.Counter
	delivery    prometheus.Histogram
	resets      *prometheus.CounterVec
	heartbeats  prometheus.Counter
	polls       *prometheus.CounterVec
}

func newStreamMetrics() *streamMetrics {
	return &streamMetrics{
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "streams_active",
			Help: "Streams of events that are open.",
		}),
		opened: newCounters("streams_opened_total",
			"Streams of events that were accepted, by whether the client came with a cursor that was honoured.",
			"resumed", "false", "true"),
		disconnects: newCounters("stream_disconnects_total",
			"Streams of events that ended, by reason. Those that were rejected were never open.",
			"reason", disconnectReasons...),
		events: newCounters("stream_events_sent_total",
			"Events sent to clients: replay if they were there when the stream began, else live.",
			"phase", "replay", "live"),
		bytes: newCounter("stream_bytes_sent_total",
			"Bytes sent in streams of events, those of control frames and heartbeats included."),
		delivery: newHistogram("stream_delivery_seconds",
			"Time from the commit of a live event to the end of the write that carried it.",
			append([]float64{.0001, .00025}, latencyBuckets...)),
		resets: newCounters("stream_resets_total",
			"Streams that began anew because the client's cursor could not be honoured, by reason.",
			"reason", "malformed", "unknown", "ahead"),
		heartbeats: newCounter("stream_heartbeats_total",
			"Heartbeats sent in streams of events."),
		polls: newCounters("stream_polls_total",
			"Looks at the log by streams that nothing had woken: new if there were events, else idle.",
			"result", "idle", "new"),
	}
}

func (m *streamMetrics) group() group {
	return group{m.active, m.opened, m.disconnects, m.events, m.bytes, m.delivery, m.resets, m.heartbeats, m.polls}
}

func (m *streamMetrics) trace() *streamer.Trace {
	// Looked up once: these are used for each write and each tick of each stream.
	replay, live := m.events.WithLabelValues("replay"), m.events.WithLabelValues("live")
	idle, found := m.polls.WithLabelValues("idle"), m.polls.WithLabelValues("new")
	return &streamer.Trace{
		Opened: func(resumed bool) {
			m.active.Inc()
			m.opened.WithLabelValues(strconv.FormatBool(resumed)).Inc()
		},
		Closed: func(reason streamer.Reason) {
			m.active.Dec()
			m.disconnects.WithLabelValues(string(reason)).Inc()
		},
		Rejected: func() { m.disconnects.WithLabelValues(rejected).Inc() },
		Sent: func(isLive bool, events int) {
			c := replay
			if isLive {
				c = live
			}
			c.Add(float64(events))
		},
		Wrote:     func(bytes int) { m.bytes.Add(float64(bytes)) },
		Delivered: func(d time.Duration) { m.delivery.Observe(d.Seconds()) },
		Reset:     func(reason string) { m.resets.WithLabelValues(reason).Inc() },
		Heartbeat: m.heartbeats.Inc,
		Polled: func(foundEvents bool) {
			c := idle
			if foundEvents {
				c = found
			}
			c.Inc()
		},
	}
}
