package natstest

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Network is a network for processes, each with a place of its own that can be cut off:
// network namespaces that a bridge connects. It needs root.
type Network struct {
	testing.TB
	prefix string
	places int
}

// NewNetwork makes a network, or returns nil if the user may not.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	n := &Network{TB: t, prefix: fmt.Sprintf("jr%d", os.Getpid())}
	n.namespace(n.prefix)
	n.ip("-n", n.prefix, "link", "add", "bridge", "type", "bridge")
	n.ip("-n", n.prefix, "link", "set", "bridge", "up")
	return n
}

func (n *Network) ip(args ...string) {
	n.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// namespace makes a namespace for the time of the test.
func (n *Network) namespace(name string) {
	n.Helper()
	n.ip("netns", "add", name)
	n.Cleanup(func() { n.ip("netns", "del", name) })
}

// Place is where a process runs. The zero value is the network of the test.
type Place struct {
	network   *Network
	namespace string
	port      string // of the bridge
	Address   string
}

// Place makes a place, or returns the zero value if there is no network.
func (n *Network) Place() Place {
	if n == nil {
		return Place{}
	}
	n.Helper()
	n.places++
	p := Place{
		network: n, namespace: fmt.Sprintf("%s-%d", n.prefix, n.places), port: fmt.Sprintf("port%d", n.places),
		Address: fmt.Sprintf("10.99.0.%d", n.places),
	}
	n.namespace(p.namespace)
	n.ip("-n", p.namespace, "link", "add", "eth", "type", "veth", "peer", "name", p.port, "netns", n.prefix)
	n.ip("-n", n.prefix, "link", "set", p.port, "master", "bridge", "up")
	n.ip("-n", p.namespace, "addr", "add", p.Address+"/24", "dev", "eth")
	n.ip("-n", p.namespace, "link", "set", "eth", "up")
	n.ip("-n", p.namespace, "link", "set", "lo", "up")
	return p
}

// Command is [exec.Command] for a process at the place.
func (p Place) Command(name string, args ...string) *exec.Cmd {
	if p.network == nil {
		return exec.Command(name, args...)
	}
	return exec.Command("ip", append([]string{"netns", "exec", p.namespace, name}, args...)...) // it becomes the program
}

func (p Place) host() string { return cmp.Or(p.Address, "127.0.0.1") }

// Cut takes the place off the network: what is sent is lost, and nobody is told. It reports
// whether there is a network.
func (p Place) Cut() bool {
	if p.network == nil {
		return false
	}
	p.network.Helper()
	p.network.ip("-n", p.network.prefix, "link", "set", p.port, "down")
	return true
}

// Mend ends Cut.
func (p Place) Mend() {
	p.network.Helper()
	p.network.ip("-n", p.network.prefix, "link", "set", p.port, "up")
}
