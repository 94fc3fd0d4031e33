#!/bin/sh
# Records a run from a shell: record.sh TASK. JRWEB_URL names the server.
set -eu
task=$1
url=${JRWEB_URL:-http://127.0.0.1:7070}/tasks/$task

# post PATH JSON sends one request. The key makes repeats harmless: curl tries again
# when the connection breaks or the server restarts, and nothing is done twice.
post() {
	key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	curl --silent --show-error --fail-with-body --retry 5 --retry-all-errors \
		-H 'Content-Type: application/json' -H "Idempotency-Key: $key" -d "$2" "$url$1"
}

session=$(post /sessions '{"agent":"shell","lease_seconds":3600}' | sed 's/.*"id":"\([^"]*\)".*/\1/')
post "/sessions/$session/events" '{"type":"assistant","data":{"content":"I count the files here."}}' >/dev/null
post "/sessions/$session/events" '{"type":"tool_call","data":{"tool":"ls","args":{},"call_id":"1"}}' >/dev/null
files=$(ls | wc -l | tr -d ' ')
post "/sessions/$session/events" "{\"type\":\"tool_result\",\"data\":{\"tool\":\"ls\",\"success\":true,\"output\":\"$files\",\"call_id\":\"1\"}}" >/dev/null
post "/sessions/$session/complete" '{"status":"succeeded"}' >/dev/null
echo "$url"
