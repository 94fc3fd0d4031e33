package store

import "time"

// ClusterStore is a [Store] that is shared by several machines. It tells how this replica
// compares with the others, and what may take back what it acknowledges.
type ClusterStore interface {
	Store
	Cluster() Cluster
}

// Cluster is the state of a [ClusterStore] at one moment.
type Cluster struct {
	// Connected says that there is a connection to what keeps the commits of all.
	Connected bool
	// Position is the number of the last commit that the store has: the same on all machines
	// once they have the same.
	Position uint64
	// Writer says that this process is the writer.
	Writer bool
	// Lag is how many commits of others the store is known to lack.
	Lag uint64
	// Conflicts is how often a commit had to be made again since the store was opened, because
	// another machine was faster.
	Conflicts uint64
	// Servers is how many servers keep each commit.
	Servers int
	// Weaknesses are the settings that break a part of the promise that an acknowledged commit
	// survives every machine, and a power cut of all. Without one it holds.
	Weaknesses []Weakness
	Snapshots  Snapshots
}

// Snapshots describes the newest snapshot that a [ClusterStore] knows, with which new replicas
// begin, and counts those that it has made itself.
type Snapshots struct {
	// Position is that of the last commit in it, 0 if there is none.
	Position uint64
	Taken    time.Time
	// Bytes is the size of the file, Stored what the snapshot takes.
	Bytes, Stored int64
	// Made is how many this store has made since it was opened, and Failed how many it began and
	// could not finish.
	Made, Failed int
}

// Weakness is what a setting breaks. Each has a text for people.
type Weakness string

// The weaknesses of a cluster.
const (
	// FewServers: one or two servers keep each commit.
	FewServers Weakness = "few_servers"
	// LateSync: a commit is acknowledged before it is on the disk.
	LateSync Weakness = "late_sync"
	// UnknownSync: nobody says whether a commit is on the disk before it is acknowledged.
	UnknownSync Weakness = "unknown_sync"
	// Erasable: others may delete commits.
	Erasable Weakness = "erasable"
	// Bounded: there is a limit, beyond which nothing is committed.
	Bounded Weakness = "bounded"
	// FrailSnapshots: snapshots may be lost, or not be made, where commits are kept.
	FrailSnapshots Weakness = "frail_snapshots"
)

// Weaknesses returns all possible weaknesses.
func Weaknesses() []Weakness {
	return []Weakness{FewServers, LateSync, UnknownSync, Erasable, Bounded, FrailSnapshots}
}

var weaknessTexts = map[Weakness]string{
	FewServers:     "fewer than three servers keep what is acknowledged: while one of them is away nothing is, and if it is the only one all is lost with its disk",
	LateSync:       "servers acknowledge before they sync: a power cut of several machines takes back what was acknowledged within the last minutes (sync_interval: always)",
	UnknownSync:    "it is not known whether the servers sync before they acknowledge: if they do not, a power cut of several machines takes back what was acknowledged within the last minutes (sync_interval: always)",
	Erasable:       "others may delete messages of the stream: a replica that lacks one stops",
	Bounded:        "the stream has a limit: when it is reached, nothing more is acknowledged",
	FrailSnapshots: "the stream of the snapshots has a limit, lets others delete messages, or is kept by fewer servers than the commits: without a snapshot no replica that is new, or was away for long, can begin",
}

// Text says what is broken, and how.
func (w Weakness) Text() string { return weaknessTexts[w] }
