package redact

import (
	"context"
	"fmt"
	"regexp"

	"jrweb/eventlog"
)

// Options are the settings of the middleware. The zero value is good.
type Options struct {
	// Extra rules apply in addition to [Rules].
	Extra []Rule
	// Redacted is called with the rule's name for each secret that was replaced. It is
	// called before the append, which may still fail. It may be called concurrently.
	Redacted func(rule string)
}

// Middleware replaces the secrets in the data of every event that is appended. It panics if
// an extra rule breaks the rules of [Rule].
func Middleware(o *Options) eventlog.Middleware {
	if o == nil {
		o = &Options{}
	}
	r := newRedactor(append(Rules(), o.Extra...))
	redacted := o.Redacted
	if redacted == nil {
		redacted = func(string) {}
	}
	return func(next eventlog.AppendFunc) eventlog.AppendFunc {
		return func(ctx context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
			for i := range b.Events {
				e := &b.Events[i]
				var found []string
				if e.Data, found = r.data(e.Data); found != nil {
					for _, rule := range found {
						redacted(rule)
					}
				}
			}
			return next(ctx, b)
		}
	}
}

// redactor is a prepared set of rules. It may be used concurrently.
type redactor struct {
	starts  index
	whole   []*rule // rules without Starts
	keyed   []*rule // the rules that have a Key
	markers map[string]bool
	longest int // the longest name, with its bracket
	rules   int
}

// rule is a prepared Rule.
type rule struct {
	*Rule
	number int
	marker string
	find   *regexp.Regexp
}

var validName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func newRedactor(rules []Rule) *redactor {
	r := &redactor{markers: map[string]bool{}, rules: len(rules)}
	for i := range rules {
		switch {
		case !validName.MatchString(rules[i].Name):
			panic(fmt.Sprintf("redact: the rule name %q is not of the form a-b", rules[i].Name))
		case rules[i].Find == nil && rules[i].Key == nil:
			panic(fmt.Sprintf("redact: rule %s has neither Find nor Key", rules[i].Name))
		}
		made := &rule{Rule: &rules[i], number: i, marker: marker + rules[i].Name + "]", find: rules[i].Find}
		r.markers[made.marker] = true
		r.longest = max(r.longest, len(made.Name)+1)
		if len(made.Starts) == 0 {
			r.whole = append(r.whole, made)
			if made.Key != nil {
				r.keyed = append(r.keyed, made)
			}
			continue
		}
		if made.find != nil {
			made.find = regexp.MustCompile(`\A(?:` + made.find.String() + `)`)
		}
		for _, start := range made.Starts {
			if len(start) < 2 {
				panic(fmt.Sprintf("redact: the start %q of rule %s has less than two bytes", start, made.Name))
			}
			r.starts.add(start, made)
		}
	}
	return r
}
