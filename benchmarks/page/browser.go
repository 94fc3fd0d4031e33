package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience ends a load that will not come to its end.
const patience = time.Minute

// observer runs in a page before anything else and notes when it is usable.
const observer = `
	const usable = () => {
		const rows = document.querySelectorAll("#timeline > .event");
		if (rows.length === 0 || !globalThis.benchmarkDone()) return;
		const last = rows[rows.length - 1].getBoundingClientRect();
		if (globalThis.benchmarkLive && last.top > innerHeight) return; // it begins at the end of a run
		globalThis.benchmarkUsable ??= performance.now();
	};
	globalThis.benchmarkDone = () => globalThis.benchmarkLive ? document.body.dataset.state === "live" : document.readyState !== "loading";
	globalThis.benchmarkLive = location.pathname.startsWith("/tasks/");
	new MutationObserver(usable).observe(document, {subtree: true, childList: true, attributes: true});
	addEventListener("scroll", usable);
	document.addEventListener("readystatechange", usable);`

// chrome is a headless browser.
type chrome struct {
	ctx     context.Context
	close   func()
	version string
}

func startBrowser(ctx context.Context, path string) (*chrome, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // Chromium refuses its sandbox to root
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1280, 900),
	)
	ctx, closeBrowser := chromedp.NewExecAllocator(ctx, options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	b := &chrome{ctx: ctx, close: func() { closeTab(); closeBrowser() }}
	if err := chromedp.Do(ctx); err != nil {
		b.close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	version, err := chromedp.Call(ctx, browser.GetVersion, cdp.Empty{})
	if err != nil {
		b.close()
		return nil, err
	}
	b.version = version.Product
	return b, nil
}

// open opens a page in a new tab and measures it.
func (b *chrome) open(s *server, r *result) (load, error) {
	ctx, closeTab := chromedp.NewContext(b.ctx)
	defer closeTab()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		return load{}, err
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		return load{}, err
	}
	if _, err := chromedp.Call(ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}); err != nil {
		return load{}, err
	}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: observer}); err != nil {
		return load{}, err
	}
	requests, written := s.requests.Load(), s.written.Load()
	if _, err := chromedp.Run(ctx, chromedp.Navigate(s.url+r.path)); err != nil {
		return load{}, err
	}
	const painted = `performance.getEntriesByName("first-contentful-paint")[0]?.startTime`
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](`globalThis.benchmarkUsable !== undefined && `+painted+` !== undefined`, chromedp.WithPollingTimeout(patience)))
	if err != nil {
		return load{}, err
	}
	var l load
	l.requests, l.bytes = int(s.requests.Load()-requests), s.written.Load()-written
	measured, err := chromedp.Run(ctx, chromedp.Evaluate[struct {
		First, Usable  float64
		Rows, Elements int
	}](`({first: `+painted+`, usable: Math.max(benchmarkUsable, `+painted+`), rows: document.querySelectorAll("#timeline [data-seq]").length, elements: document.getElementsByTagName("*").length})`))
	if err != nil {
		return load{}, err
	}
	l.first, l.usable, l.rows, l.elements = measured.First, measured.Usable, measured.Rows, measured.Elements
	return l, nil
}
