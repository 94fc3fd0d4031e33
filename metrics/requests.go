package metrics

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/router"
)

// methods are the methods that have their own series: a client may send any word.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// requestMetrics are the metrics of requests.
type requestMetrics struct {
	seconds *prometheus.HistogramVec
	bodies  prometheus.Gauge
}

func newRequestMetrics() *requestMetrics {
	return &requestMetrics{
		bodies: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "request_bodies_bytes",
			Help: "Memory that the bodies of all requests take together.",
		}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "http_request_seconds",
			Help:    "Time to answer a request, by the pattern of its route, method and status code. Streams are not in it.",
			Buckets: latencyBuckets,
		}, []string{"route", "method", "code"}),
	}
}

func (m *requestMetrics) group() group { return group{m.seconds, m.bodies} }

func (m *requestMetrics) trace() *router.Trace {
	return &router.Trace{
		Answered: func(route, method string, status int, took time.Duration) {
			if !slices.Contains(methods, method) {
				method = other
			}
			m.seconds.WithLabelValues(route, method, strconv.Itoa(status)).Observe(took.Seconds())
		},
		Bodies: func(delta int64) { m.bodies.Add(float64(delta)) },
	}
}
