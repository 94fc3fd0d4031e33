package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"

	"jrweb/eventlog"
)

// The cost of watching is what a browser takes of the processor while runs go on.
const (
	watchedRate = 50     // events a second
	longRun     = 20_000 // events that a tab sees come, one after the other
	longRate    = 250    // of them a second
	idleTabs    = 5
	settleFor   = 3 * time.Second  // after a load, before anything is measured
	idleFor     = 35 * time.Second // since the last event, and the page counts in minutes
	idleLeast   = time.Minute      // is measured, so that what comes once a minute is in it
)

// tasksLong notes the tasks of the page's thread that took 50 ms or more.
const tasksLong = `
	globalThis.benchmarkTasks = [];
	new PerformanceObserver((list) => {
		for (const entry of list.getEntries()) benchmarkTasks.push(entry.duration);
	}).observe({type: "longtask", buffered: true});`

// watch measures for so long: a tab that follows a run, tabs in which nothing happens, and
// a long run from its start to its end.
func watch(ctx context.Context, s *server, b *chrome, measured time.Duration, long int) error {
	fmt.Printf("%s, %s each\n\n| what | %% of a core | of it the page's process |\n|---|---:|---:|\n", b.version, measured)
	if err := s.record(ctx, "t-watched", 1000); err != nil {
		return err
	}
	tab, err := b.watch(ctx, s.url+"/tasks/t-watched", "live")
	if err != nil {
		return err
	}
	defer tab.close()
	used, err := b.usage(func() error { return s.play(ctx, "t-watched", watchedRate, int(measured.Seconds()*watchedRate)) })
	if err != nil {
		return err
	}
	fmt.Printf("| a tab that follows %d events/s | %.1f | %.1f |\n", watchedRate, used.all, used.pages)
	tab.close()

	if long > 0 {
		if err := s.record(ctx, "t-long", 1); err != nil {
			return err
		}
		tab, err := b.watch(ctx, s.url+"/tasks/t-long", "live")
		if err != nil {
			return err
		}
		defer tab.close()
		used, err := b.usage(func() error { return s.play(ctx, "t-long", longRate, long) })
		if err != nil {
			return err
		}
		tasks, err := chromedp.Run(tab.ctx, chromedp.Evaluate[struct {
			Longest float64
			Over200 int
		}](`(() => { const all = benchmarkTasks.sort((a, b) => a - b); return {longest: all.at(-1) ?? 0, over200: all.filter((ms) => ms > 200).length}; })()`))
		if err != nil {
			return err
		}
		fmt.Printf("| a tab that sees a run of %d come, %d events/s; its longest task took %.0f ms, %d took more than 200 ms | %.1f | %.1f |\n", long, longRate, tasks.Longest, tasks.Over200, used.all, used.pages)
		tab.close()
	}

	for _, kind := range []struct {
		what string
		open func(ctx context.Context, s *server, task string) (*watched, error)
	}{
		{"of such a page as a static file", b.static},
		{"of a run that is over", b.over},
		{"of a run that goes on, in which nothing happens", b.quiet},
	} {
		used, err := b.idle(ctx, s, max(measured, idleLeast), kind.open)
		if err != nil {
			return fmt.Errorf("%s: %w", kind.what, err)
		}
		fmt.Printf("| %d tabs %s | %.1f | %.1f |\n", idleTabs, kind.what, used.all, used.pages)
	}
	return nil
}

// idle measures tabs in which nothing happens, each of a run of its own.
func (b *chrome) idle(ctx context.Context, s *server, measured time.Duration, open func(ctx context.Context, s *server, task string) (*watched, error)) (usage, error) {
	for range idleTabs {
		s.idle++
		task := fmt.Sprintf("t-idle-%d", s.idle)
		if err := s.record(ctx, task, 1000); err != nil {
			return usage{}, err
		}
		tab, err := open(ctx, s, task)
		if err != nil {
			return usage{}, err
		}
		defer tab.close()
	}
	if err := pause(ctx, idleFor); err != nil {
		return usage{}, err
	}
	return b.usage(func() error { return pause(ctx, measured) })
}

// static opens a page that does nothing: what the browser takes by itself.
func (b *chrome) static(_ context.Context, s *server, task string) (*watched, error) {
	if err := s.keepStatic(task); err != nil {
		return nil, err
	}
	tab, closeTab := chromedp.NewContext(b.ctx)
	if _, err := chromedp.Run(tab, chromedp.Navigate(s.url+"/static/"+task)); err != nil {
		closeTab()
		return nil, err
	}
	return &watched{tab, closeTab}, nil
}

// over opens the page of a run that has ended.
func (b *chrome) over(ctx context.Context, s *server, task string) (*watched, error) {
	t, err := s.log.Task(ctx, task)
	if err != nil {
		return nil, err
	}
	if _, err := s.log.Session(task, t.Latest).Append(ctx, data(eventlog.TypeComplete, `{"status":"succeeded"}`)); err != nil {
		return nil, err
	}
	return b.watch(ctx, s.url+"/tasks/"+task, "ended")
}

// quiet opens the page of a run that goes on.
func (b *chrome) quiet(ctx context.Context, s *server, task string) (*watched, error) {
	return b.watch(ctx, s.url+"/tasks/"+task, "live")
}

// watched is a tab that stays open.
type watched struct {
	ctx   context.Context
	close func()
}

// watch opens a page and waits until it is in a state, and has settled.
func (b *chrome) watch(ctx context.Context, url, state string) (*watched, error) {
	tab, closeTab := chromedp.NewContext(b.ctx)
	w := &watched{tab, closeTab}
	err := func() error {
		if err := chromedp.Do(tab); err != nil {
			return err
		}
		if _, err := chromedp.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: tasksLong}); err != nil {
			return err
		}
		if _, err := chromedp.Run(tab, chromedp.Navigate(url)); err != nil {
			return err
		}
		if _, err := chromedp.Run(tab, chromedp.Poll[bool](fmt.Sprintf(`document.body.dataset.state === %q`, state), chromedp.WithPollingTimeout(patience))); err != nil {
			return err
		}
		return pause(ctx, settleFor)
	}()
	if err != nil {
		closeTab()
		return nil, err
	}
	return w, nil
}

// usage is what the browser took of one core.
type usage struct{ all, pages float64 }

// usage measures while something is done.
func (b *chrome) usage(do func() error) (usage, error) {
	before, err := b.used()
	if err != nil {
		return usage{}, err
	}
	start := time.Now()
	if err := do(); err != nil {
		return usage{}, err
	}
	took := time.Since(start).Seconds()
	after, err := b.used()
	if err != nil {
		return usage{}, err
	}
	var sum usage
	for id, now := range after {
		percent := (now.seconds - before[id].seconds) / took * 100
		sum.all += percent
		if now.kind == "renderer" {
			sum.pages += percent
		}
	}
	return sum, nil
}

type process struct {
	kind    string
	seconds float64
}

// used is the processor's time that each process of the browser has had.
func (b *chrome) used() (map[int64]process, error) {
	info, err := chromedp.CallBrowser(b.ctx, systeminfo.GetProcessInfo, cdp.Empty{})
	if err != nil {
		return nil, err
	}
	all := map[int64]process{}
	for _, p := range info.ProcessInfo {
		all[p.ID] = process{p.Type, p.CPUTime}
	}
	return all, nil
}

// play goes on with a run as an agent does: events one by one, so many a second.
func (s *server) play(ctx context.Context, task string, rate, events int) error {
	t, err := s.log.Task(ctx, task)
	if err != nil {
		return err
	}
	session := s.log.Session(task, t.Latest)
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for n := range events {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if _, err := session.Append(ctx, event(n)); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
