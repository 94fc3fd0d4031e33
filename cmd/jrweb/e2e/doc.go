// Package e2e tests the program as people use it: the built binary as a process
// of its own, a real Chromium, Node's EventSource client, a real Prometheus,
// and the kernel's view of what it does. It holds nothing but tests.
package e2e
