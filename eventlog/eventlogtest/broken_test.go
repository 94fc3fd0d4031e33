package eventlogtest_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// faulty is a store that breaks one rule.
type faulty struct {
	store.Store
	update func(ctx context.Context, fn func(store.Tx) error, next func(context.Context, func(store.Tx) error) error) error
	view   func(ctx context.Context, fn func(store.Reader) error, next func(context.Context, func(store.Reader) error) error) error
}

func (s faulty) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.update != nil {
		return s.update(ctx, fn, s.Store.Update)
	}
	return s.Store.Update(ctx, fn)
}

func (s faulty) View(ctx context.Context, fn func(store.Reader) error) error {
	if s.view != nil {
		return s.view(ctx, fn, s.Store.View)
	}
	return s.Store.View(ctx, fn)
}

// reader is a Reader or Tx whose methods a test can replace.
type reader struct {
	store.Tx
	get    func(b store.Bucket, key []byte) []byte
	ascend func(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte]
	remove func(b store.Bucket, key []byte)

	commits uint64
}

func (r reader) Commits() uint64 { return r.commits }

func (r reader) Get(b store.Bucket, key []byte) []byte {
	if r.get != nil {
		return r.get(b, key)
	}
	return r.Tx.Get(b, key)
}

func (r reader) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	if r.ascend != nil {
		return r.ascend(b, from, to)
	}
	return r.Tx.Ascend(b, from, to)
}

func (r reader) Delete(b store.Bucket, key []byte) {
	if r.remove != nil {
		r.remove(b, key)
		return
	}
	r.Tx.Delete(b, key)
}

// onlyReads is a Tx of which only the reads are used.
type onlyReads struct{ store.Reader }

func (onlyReads) Put(store.Bucket, []byte, []byte) { panic("written in a View") }
func (onlyReads) Delete(store.Bucket, []byte)      { panic("written in a View") }

type (
	updateFunc = func(context.Context, func(store.Tx) error) error
	viewFunc   = func(context.Context, func(store.Reader) error) error
)

// faults are stores that break a rule, each with the case that must find it.
var faults = map[string]struct {
	rule  string
	store faulty
}{
	"commits what was refused": {
		"an Update whose function fails changes nothing and returns that error",
		faulty{update: func(ctx context.Context, fn func(store.Tx) error, next updateFunc) (failed error) {
			err := next(ctx, func(tx store.Tx) error { failed = fn(tx); return nil })
			return errors.Join(err, failed)
		}},
	},
	"counts its reads as commits": {
		"a state counts each commit that wrote something, if the store counts them",
		miscounting(),
	},
	"hides why it failed": {
		"an Update whose function fails changes nothing and returns that error",
		faulty{update: func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			if err := next(ctx, fn); err != nil {
				return errors.New("something went wrong")
			}
			return nil
		}},
	},
	"keeps what was deleted": {
		"a deleted key is gone, and its neighbours stay",
		faulty{update: func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			return next(ctx, func(tx store.Tx) error {
				return fn(reader{Tx: tx, remove: func(store.Bucket, []byte) {}})
			})
		}},
	},
	"takes an upper bound in": {
		"Ascend and Descend yield the keys in [from, to) in byte order",
		viewing(func(r store.Reader) reader {
			return reader{Tx: onlyReads{r}, ascend: func(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
				if to != nil {
					to = append(slices.Clip(to), 0)
				}
				return r.Ascend(b, from, to)
			}}
		}),
	},
	"takes an empty value for none": {
		"values are kept byte for byte, empty ones and large ones too",
		viewing(func(r store.Reader) reader {
			return reader{Tx: onlyReads{r}, get: func(b store.Bucket, key []byte) []byte {
				return append([]byte(nil), r.Get(b, key)...)
			}}
		}),
	},
	"goes on when nobody waits any more": {
		"a context that has ended stops a transaction before it begins",
		faulty{update: func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			return next(context.WithoutCancel(ctx), fn)
		}},
	},
	"keeps the memory of what was put": {
		"the caller's memory is its own again after the transaction",
		(&keeping{}).store(),
	},
	"has no room for large appends": {
		"one Update takes as much as the largest append, or the largest event if it says so",
		faulty{update: func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			return next(ctx, func(tx store.Tx) error { return fn(&small{Tx: tx}) })
		}},
	},
	"forgets": {"what was written is there when the store is opened again", faulty{}},
}

// miscounting is a store that counts its Views.
func miscounting() faulty {
	var views atomic.Uint64
	return viewing(func(r store.Reader) reader {
		return reader{Tx: onlyReads{r}, commits: views.Add(1)}
	})
}

// keeping is a store that keeps the memory of the values that were put.
type keeping struct{ values map[string][]byte }

func (k *keeping) store() faulty {
	k.values = map[string][]byte{}
	return faulty{
		update: func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			return next(ctx, func(tx store.Tx) error { return fn(keepingTx{tx, k}) })
		},
		view: viewing(func(r store.Reader) reader {
			return reader{Tx: onlyReads{r}, get: func(_ store.Bucket, key []byte) []byte { return k.values[string(key)] }}
		}).view,
	}
}

type keepingTx struct {
	store.Tx
	*keeping
}

func (t keepingTx) Put(b store.Bucket, key, value []byte) {
	t.values[string(key)] = value
	t.Tx.Put(b, key, value)
}

// small loses what a transaction puts after 1,000 keys.
type small struct {
	store.Tx
	puts int
}

func (t *small) Put(b store.Bucket, key, value []byte) {
	if t.puts++; t.puts <= 1000 {
		t.Tx.Put(b, key, value)
	}
}

// viewing changes what Views read.
func viewing(breakIt func(store.Reader) reader) faulty {
	return faulty{view: func(ctx context.Context, fn func(store.Reader) error, next viewFunc) error {
		return next(ctx, func(r store.Reader) error { return fn(breakIt(r)) })
	}}
}

// faultEnv names the fault of a child process of this test.
const faultEnv = "EVENTLOGTEST_FAULT"

// The tests for stores are only useful if they fail for a bad store.
func TestTheSuiteFindsWhatAStoreBreaks(t *testing.T) {
	if fault, child := faults[os.Getenv(faultEnv)]; child {
		broken := fault.store
		broken.Store = eventlogtest.NewStore()
		eventlogtest.TestStore(t, func(testing.TB, string) store.Store {
			if fault.rule == faults["forgets"].rule {
				broken.Store = eventlogtest.NewStore()
			}
			return broken
		})
		return
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			rule := strings.ReplaceAll(fault.rule, " ", "_")
			pattern := strings.NewReplacer("[", `\[`, ")", `\)`).Replace(rule)
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheSuiteFindsWhatAStoreBreaks$/^"+pattern+"$")
			child.Env = append(os.Environ(), faultEnv+"="+name)
			out, err := child.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestTheSuiteFindsWhatAStoreBreaks/"+rule) {
				t.Errorf("a store that %s passes: %v\n%s", name, err, out)
			}
			if strings.Contains(string(out), "panic:") {
				t.Errorf("the suite panics:\n%s", out)
			}
		})
	}
}
