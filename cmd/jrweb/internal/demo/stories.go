package demo

import (
	"time"

	"jrweb/eventlog"
)

// stories returns the tasks that are worked on while somebody watches.
func stories() []story {
	return []story{centShort(), emptySearch(), jumpingPage(), slowMail(), readiness()}
}

// centShort: a wrong sum, because of floating point.
func centShort() story {
	s := &script{}
	s.status("Started on branch shop-118, worktree is clean")
	s.say("I'll find out where the cart adds up its total, and reproduce the missing cent in a test first.")
	s.tools(
		search("func.*Total", "internal/cart/*.go", 120*time.Millisecond, "internal/cart/total.go:14:func (c *Cart) Total() int64 {\ninternal/cart/total_test.go:11:func TestTotal(t *testing.T) {"),
		read("internal/cart/cart.go", 160*time.Millisecond, `package cart

// Item is a line of the cart. Prices are in cents.
type Item struct {
	SKU      string
	Price    int64
	Quantity int64
}

// Cart is what a customer is about to buy.
type Cart struct {
	Items    []Item
	Discount int64 // per cent
}
`),
		read("internal/cart/total.go", 240*time.Millisecond, `package cart

// Total is what the customer pays, in cents.
func (c *Cart) Total() int64 {
	var sum float64
	for _, item := range c.Items {
		price := float64(item.Price) / 100
		sum += price * float64(item.Quantity) * (1 - float64(c.Discount)/100)
	}
	return int64(sum * 100)
}
`))
	s.cost(6840, 420, 0)
	s.think("Prices are whole cents, but Total converts them to floats, applies the discount to each line, and cuts the result off. With 15 % on 3 × 19.99 the sum is 50.97449999…, and `int64` rounds down at every chance. First a test that shows it.")
	s.tools(edit("internal/cart/total_test.go",
		`		{"no items", Cart{}, 0},
`,
		`		{"no items", Cart{}, 0},
		{"15 % on three pairs of socks", Cart{Items: []Item{{"SOCK", 1999, 3}}, Discount: 15}, 5097},
		{"15 % on one lamp", Cart{Items: []Item{{"LAMP", 2990, 1}}, Discount: 15}, 2542},
`))
	s.tools(shell("go test ./internal/cart/...", 1900*time.Millisecond, `--- FAIL: TestTotal (0.00s)
    --- FAIL: TestTotal/15_%_on_one_lamp (0.00s)
        total_test.go:27: Total() = 2541, want 2542
FAIL
FAIL	shop/internal/cart	0.004s
FAIL
`).broken())
	s.cost(1830, 510, 7200)
	s.say("There is the missing cent: 29.90 less 15 % is 25.415, which we cut down to 25.41. The invoice rounds it to 25.42.")
	s.tools(
		read("internal/invoice/lines.go", 110*time.Millisecond, `package invoice

// Total is what is to be paid, in cents: half a cent goes up.
func Total(net, discount int64) int64 {
	return (net*(100-discount) + 50) / 100
}
`),
		read("internal/money/money.go", 190*time.Millisecond, `package money

// Cents is an amount. Only whole cents are added up.
type Cents int64
`),
		read("web/cart.html", 230*time.Millisecond, `<p class="total">{{.Total | money}}</p>
`))
	s.think("Stay in whole cents: add up first, then take the discount once, rounding half up as the invoice does.")
	s.tools(edit("internal/cart/total.go",
		`	var sum float64
	for _, item := range c.Items {
		price := float64(item.Price) / 100
		sum += price * float64(item.Quantity) * (1 - float64(c.Discount)/100)
	}
	return int64(sum * 100)
`,
		`	var sum int64
	for _, item := range c.Items {
		sum += item.Price * item.Quantity
	}
	return (sum*(100-c.Discount) + 50) / 100 // half a cent goes up, as on the invoice
`))
	s.tools(shell("go test ./internal/cart/...", 1700*time.Millisecond, "ok  \tshop/internal/cart\t0.004s\n"))
	s.checkpoint("The test for the missing cent passes")
	s.tools(
		shell("go vet ./...", 1600*time.Millisecond, ""),
		shell("go test ./...", 2900*time.Millisecond, "ok  \tshop/internal/cart\t(cached)\nok  \tshop/internal/invoice\t0.019s\nok  \tshop/internal/money\t0.005s\nok  \tshop/web\t0.310s\n"))
	s.cost(2210, 640, 9100)
	s.comment("Does the invoice round in the same way for sure?")
	s.tools(search("+ 50", "internal/invoice/*.go", 80*time.Millisecond, "internal/invoice/lines.go:31:\treturn (net*(100-discount) + 50) / 100"))
	s.say("Yes: `internal/invoice/lines.go` rounds half a cent up, with the same expression.\n\n**Fixed.** The cart now\n\n- stays in whole cents,\n- takes the discount once, from the sum,\n- rounds like the invoice.\n\nTwo new cases in `TestTotal` show the cent that was missing.")
	s.cost(1420, 380, 11300)
	s.complete(eventlog.Succeeded, "fixed, all tests pass")
	return story{"Cart total is one cent short with a discount", "bug", "With 15 % off, the cart says 25.41 and the invoice 25.42. Customers write to us about it.", s}
}

// emptySearch: a small fix in a handler, and a first idea that was wrong.
func emptySearch() story {
	s := &script{}
	s.status("Started on branch shop-119, worktree is clean")
	s.think("The search finds nothing for \"Lamp \" with a space at the end, which is what phones send after a suggestion. Where is the query read?")
	s.tools(search(`FormValue\("q"\)`, "**/*.go", 100*time.Millisecond, "web/search.go:22:\tq := r.FormValue(\"q\")"))
	s.tools(read("web/search.go", 130*time.Millisecond, `package web

import (
	"net/http"

	"shop/internal/catalogue"
)

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	q := r.FormValue("q")
	items, err := s.catalogue.Find(r.Context(), catalogue.Query{Text: q, Limit: 50})
	if err != nil {
		s.fail(w, err)
		return
	}
	s.render(w, "search.html", page{Query: q, Items: items})
}
`))
	s.cost(4380, 290, 0)
	s.tools(edit("web/search_test.go",
		"\t{\"/search?q=lamp\", \"Desk lamp\"},\n",
		"\t{\"/search?q=lamp\", \"Desk lamp\"},\n\t{\"/search?q=lamp+\", \"Desk lamp\"},\n\t{\"/search?q=desk++lamp\", \"Desk lamp\"},\n"))
	s.tools(shell("go test ./web -run TestSearch", 2200*time.Millisecond, `--- FAIL: TestSearch (0.02s)
    --- FAIL: TestSearch//search?q=lamp+ (0.00s)
        search_test.go:34: "Desk lamp" is not on the page
    --- FAIL: TestSearch//search?q=desk++lamp (0.00s)
        search_test.go:34: "Desk lamp" is not on the page
FAIL
FAIL	shop/web	0.041s
`).broken())
	s.say("Both cases fail, so I can see when it is fixed.")
	s.tools(edit("web/search.go", "\tq := r.FormValue(\"q\")\n", "\tq := strings.TrimSpace(r.FormValue(\"q\"))\n"))
	s.tools(shell("go test ./web -run TestSearch", 2300*time.Millisecond, `# shop/web [shop/web.test]
web/search.go:10:7: undefined: strings
FAIL	shop/web [build failed]
`).broken())
	s.tools(edit("web/search.go", "\t\"net/http\"\n\n", "\t\"net/http\"\n\t\"strings\"\n\n"))
	s.tools(shell("go test ./web -run TestSearch", 2000*time.Millisecond, `--- FAIL: TestSearch (0.02s)
    --- FAIL: TestSearch//search?q=desk++lamp (0.00s)
        search_test.go:34: "Desk lamp" is not on the page
FAIL
FAIL	shop/web	0.039s
`).broken())
	s.cost(2640, 720, 4900)
	s.think("The end is handled, but two spaces in the middle are not. strings.Fields does both: it splits at any run of white space.")
	s.tools(edit("web/search.go",
		"\tq := strings.TrimSpace(r.FormValue(\"q\"))\n",
		"\tq := strings.Join(strings.Fields(r.FormValue(\"q\")), \" \") // phones add spaces\n"))
	s.tools(
		shell("gofmt -l web", 200*time.Millisecond, ""),
		shell("go test ./web/...", 2400*time.Millisecond, "ok  \tshop/web\t0.318s\n"))
	s.cost(1510, 330, 8200)
	s.say("The search now takes any run of white space for one, and none at the ends. `TestSearch` has a case for each.")
	s.complete(eventlog.Succeeded, "fixed, all tests pass")
	return story{"Search finds nothing when the query ends with a space", "bug", "Happens on phones: choose a suggestion, get an empty page.", s}
}

// jumpingPage: templates and style.
func jumpingPage() story {
	s := &script{}
	s.status("Started on branch shop-120, worktree is clean")
	s.say("I'll measure the page first, so that we know whether a change helps.")
	s.tools(shell("npm run lighthouse -- /lamps", 3*time.Second, `  performance      71
  layout shift     0.38   (poor, should be below 0.10)
  largest paint    1.9 s
`))
	s.think("A layout shift of 0.38 is a lot. It is usually images without a size: the text moves down as each one arrives.")
	s.tools(
		search("<img", "web/templates/*.html", 90*time.Millisecond, "web/templates/card.html:3:  <img src=\"{{.Image}}\" alt=\"{{.Name}}\">\nweb/templates/product.html:8:  <img class=\"large\" src=\"{{.Image}}\" alt=\"{{.Name}}\">"),
		search("\\.card img", "web/static/*.css", 110*time.Millisecond, "web/static/shop.css:142:.card img { width: 100%; }"))
	s.cost(5120, 340, 0)
	s.tools(edit("web/templates/card.html",
		"  <img src=\"{{.Image}}\" alt=\"{{.Name}}\">\n",
		"  <img src=\"{{.Image}}\" alt=\"{{.Name}}\" width=\"{{.Width}}\" height=\"{{.Height}}\" loading=\"lazy\">\n"))
	s.tools(edit("web/static/shop.css", ".card img { width: 100%; }\n", ".card img { width: 100%; height: auto; }\n"))
	s.tools(shell("npm run lighthouse -- /lamps", 3*time.Second, `  performance      74
  layout shift     0.29   (poor, should be below 0.10)
  largest paint    1.9 s
`).broken())
	s.cost(2480, 460, 5600)
	s.think("Better, but not enough. What else moves? The first row is loaded lazily too, although everybody sees it at once; and the banner above the list has no height until its text is there.")
	s.tools(read("web/templates/list.html", 120*time.Millisecond, `<div id="banner"></div>
<ul class="cards">
{{range .Products}}{{template "card.html" .}}{{end}}
</ul>
<script src="/static/banner.js" defer></script>
`))
	s.say("There it is: the banner is empty until `banner.js` has run, and then pushes the whole list down.")
	s.tools(edit("web/templates/list.html", "<div id=\"banner\"></div>\n", "<div id=\"banner\">{{.Banner}}</div>\n"))
	s.tools(edit("web/templates/list.html", "<script src=\"/static/banner.js\" defer></script>\n", ""))
	s.tools(
		shell("go test ./web/...", 2200*time.Millisecond, "ok  \tshop/web\t0.322s\n"),
		shell("npm run lighthouse -- /lamps", 3*time.Second, `  performance      93
  layout shift     0.02   (good)
  largest paint    1.4 s
`))
	s.checkpoint("Layout shift 0.38 → 0.02, performance 71 → 93")
	s.cost(2930, 690, 8700)
	s.comment("Works on my phone, thank you!")
	s.say("The page no longer jumps.\n\n| | before | after |\n|---|---|---|\n| layout shift | 0.38 | 0.02 |\n| performance | 71 | 93 |\n\nImages have their size in the markup, and the server renders the banner.")
	s.complete(eventlog.Succeeded, "fixed, measured")
	return story{"Product list jumps while images load", "bug", "One aims for a lamp and hits the one above.", s}
}

// slowMail: a first fix that the tests refuse.
func slowMail() story {
	s := &script{}
	s.status("Started on branch shop-121, worktree is clean")
	s.tools(shell("grep -c 'checkout.*504' /var/log/shop/access.log.1", 300*time.Millisecond, "37\n"))
	s.think("37 customers saw a time-out yesterday. The order was stored each time; what is slow comes after it. Let me read the checkout.")
	s.tools(read("web/checkout.go", 140*time.Millisecond, `func (s *Server) checkout(w http.ResponseWriter, r *http.Request) {
	order, err := s.orders.Place(r.Context(), cartOf(r))
	if err != nil {
		s.fail(w, err)
		return
	}
	if err := s.mail.Confirm(r.Context(), order); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/orders/"+order.ID, http.StatusSeeOther)
}
`))
	s.cost(5530, 310, 0)
	s.say("The customer waits for our mail server, and when that is slow, a good order looks like a failed one. The mail can go out afterwards.")
	s.tools(edit("web/checkout.go",
		`	if err := s.mail.Confirm(r.Context(), order); err != nil {
		s.fail(w, err)
		return
	}
`,
		`	go s.mail.Confirm(r.Context(), order)
`))
	s.tools(shell("go test -race ./web/...", 2800*time.Millisecond, `--- FAIL: TestCheckoutSendsMail (0.01s)
    checkout_test.go:58: no mail for order 1004: context canceled
FAIL
FAIL	shop/web	0.402s
`).broken())
	s.cost(1970, 380, 5900)
	s.think("Of course: the context of the request ends with the request. And a mail that fails would be lost in silence. There is an outbox table for the newsletter; orders can use it, in the same transaction as the order.")
	s.tools(
		search("outbox", "internal/**/*.go", 130*time.Millisecond, "internal/mail/outbox.go:18:func (o *Outbox) Put(ctx context.Context, tx *sql.Tx, m Message) error {\ninternal/mail/outbox.go:34:func (o *Outbox) Run(ctx context.Context) error {"),
		read("internal/orders/place.go", 190*time.Millisecond, `func (o *Orders) Place(ctx context.Context, c *cart.Cart) (*Order, error) {
	return inTx(ctx, o.db, func(tx *sql.Tx) (*Order, error) {
		order := newOrder(c)
		return order, insert(ctx, tx, order)
	})
}
`))
	s.tools(edit("internal/orders/place.go",
		`		order := newOrder(c)
		return order, insert(ctx, tx, order)
`,
		`		order := newOrder(c)
		if err := insert(ctx, tx, order); err != nil {
			return nil, err
		}
		// In the same transaction: an order without its mail cannot happen.
		return order, o.outbox.Put(ctx, tx, mail.Confirmation(order))
`))
	s.tools(edit("web/checkout.go", "\tgo s.mail.Confirm(r.Context(), order)\n", ""))
	s.tools(shell("go test -race ./...", 3*time.Second, "ok  \tshop/internal/cart\t(cached)\nok  \tshop/internal/mail\t0.087s\nok  \tshop/internal/orders\t0.140s\nok  \tshop/web\t0.391s\n"))
	s.checkpoint("Order and mail are stored in one transaction")
	s.cost(3140, 910, 9800)
	s.tools(shell("go run ./scripts/slowmail -delay 30s & go run ./scripts/buy -n 20", 2900*time.Millisecond, "20 orders placed, slowest 84 ms\n20 mails waiting in the outbox\n"))
	s.say("With a mail server that takes 30 seconds, the slowest checkout takes **84 ms**. The confirmation goes through the outbox, in the same transaction as the order, and is sent again if it fails.")
	s.cost(1680, 420, 12400)
	s.complete(eventlog.Succeeded, "fixed, tried with a slow mail server")
	return story{"Checkout times out when the mail server is slow", "bug", "Customers see a time-out and order again. Their first order is in the database all the time.", s}
}

// readiness: a small feature.
func readiness() story {
	s := &script{}
	s.status("Started on branch shop-122, worktree is clean")
	s.say("I'll add `/readyz`, which answers 200 once the database can be reached, and 503 before.")
	s.tools(
		read("web/server.go", 150*time.Millisecond, `func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", s.home)
	mux.HandleFunc("GET /search", s.search)
	mux.HandleFunc("POST /checkout", s.checkout)
	return mux
}
`),
		shell("git log --oneline -3 -- deploy/", 210*time.Millisecond, "8c1f0aa deploy: two replicas\n51d9e02 deploy: rolling update\n0e77b13 deploy: first version\n"))
	s.cost(4010, 270, 0)
	s.tools(call{
		tool: "write_file", took: 35 * time.Millisecond, output: "Wrote 17 lines to web/ready_test.go",
		args: args{"path", "web/ready_test.go", "content", `package web

import (
	"net/http"
	"testing"
)

func TestReady(t *testing.T) {
	s := newTestServer(t)
	if got := s.get("/readyz"); got != http.StatusOK {
		t.Errorf("with a database: %d, want 200", got)
	}
	s.db.Close()
	if got := s.get("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("without: %d, want 503", got)
	}
}
`},
	})
	s.tools(shell("go test ./web -run TestReady", 2100*time.Millisecond, `--- FAIL: TestReady (0.01s)
    ready_test.go:11: with a database: 404, want 200
    ready_test.go:15: without: 404, want 503
FAIL
FAIL	shop/web	0.022s
`).broken())
	s.tools(edit("web/server.go",
		"\tmux.HandleFunc(\"POST /checkout\", s.checkout)\n",
		"\tmux.HandleFunc(\"POST /checkout\", s.checkout)\n\tmux.HandleFunc(\"GET /readyz\", s.ready)\n"))
	s.tools(edit("web/server.go",
		"func (s *Server) routes() http.Handler {\n",
		`// ready tells the load balancer whether to send customers here.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if err := s.db.PingContext(ctx); err != nil {
		http.Error(w, "the database cannot be reached", http.StatusServiceUnavailable)
	}
}

func (s *Server) routes() http.Handler {
`))
	s.tools(shell("go test ./web/...", 2300*time.Millisecond, "ok  \tshop/web\t0.333s\n"))
	s.cost(2350, 810, 4500)
	s.tools(edit("deploy/shop.yaml",
		"        ports: [{containerPort: 8080}]\n",
		"        ports: [{containerPort: 8080}]\n        readinessProbe:\n          httpGet: {path: /readyz, port: 8080}\n          periodSeconds: 2\n"))
	s.tools(shell("make deploy-check", 1800*time.Millisecond, "deploy/shop.yaml: valid\n"))
	s.think("A ping that hangs must not keep the probe waiting: there is a time-out of one second. The probe asks every two.")
	s.say("`GET /readyz` answers 200 while the database can be reached, and 503 otherwise, within a second. The deployment asks it every two seconds, so a rolling update loses no request.")
	s.cost(1240, 290, 7400)
	s.complete(eventlog.Succeeded, "done, all tests pass")
	return story{"Tell the load balancer when we are ready", "feature", "During a deployment some customers get an error page for a few seconds.", s}
}
