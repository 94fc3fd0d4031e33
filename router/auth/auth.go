package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/netip"
	"time"
)

// Options say who there is. Without a file of tokens, a proxy or a provider nobody can
// come in.
type Options struct {
	// TokenFile is the file of tokens, "" for none.
	TokenFile string
	// RolesFile says which roles people have whom a proxy or a provider names: name:role
	// or @group:role a line. Who is not in it has none.
	RolesFile string
	// KeyFile holds the key that signs cookies and tickets. It is made if there is none.
	// Beside it, its name followed by ".signed-out", stands which cookies hold no more.
	KeyFile string
	// Proxies are the networks of proxies that may say in ProxyHeader who somebody
	// is, and in GroupsHeader, if it is given, the groups, with commas between. From
	// anybody else the headers are removed.
	Proxies []netip.Prefix
	// UnixProxy trusts whoever comes over a Unix socket like a proxy of Proxies.
	UnixProxy    bool
	ProxyHeader  string
	GroupsHeader string
	// OIDC is the provider where people sign in. Nil: none.
	OIDC *OIDC
	// Logger gets one line for each attempt to sign in, and what is wrong with a file
	// that changed. Nil: silence.
	Logger *slog.Logger
}

// Auth decides who may do what. Its methods may be called concurrently.
type Auth struct {
	o      Options
	sealer sealer
	cookie string // its name
	tokens *file[[]token]
	roles  *file[roles]
	lives  lives
	limit  *limiter
	oidc   *provider // nil: none
	stop   context.CancelFunc
	ended  chan struct{}
	out    *signedOut
}

// Open reads the files. The caller closes it.
func Open(o Options) (*Auth, error) {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	a := &Auth{o: o, limit: newLimiter(), ended: make(chan struct{})}
	var err error
	if a.sealer, err = openKey(o.KeyFile); err != nil {
		return nil, err
	}
	if a.out, err = openSignedOut(o.KeyFile+".signed-out", time.Now()); err != nil {
		return nil, err
	}
	// Cookies ignore ports: two servers of one machine must not take each other's away.
	sum := sha256.Sum256(append([]byte("cookie"), a.sealer.key...))
	a.cookie = "jrweb_" + hex.EncodeToString(sum[:4])
	if a.tokens, err = openFile(o.TokenFile, parseTokens); err != nil {
		return nil, err
	}
	if a.roles, err = openFile(o.RolesFile, parseRoles); err != nil {
		return nil, err
	}
	if o.OIDC != nil {
		a.oidc = &provider{OIDC: *o.OIDC}
	}
	var ctx context.Context
	ctx, a.stop = context.WithCancel(context.Background())
	go a.run(ctx)
	return a, nil
}

// Close ends all that was granted.
func (a *Auth) Close() {
	a.stop()
	<-a.ended
	a.lives.end()
}

// run reads the files again when they change.
func (a *Auth) run(ctx context.Context) {
	defer close(a.ended)
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			a.Reload()
		}
	}
}

// Reload reads the files of tokens and roles now, if they have changed, and ends what
// does not hold any more.
func (a *Auth) Reload() {
	for what, reload := range map[string]func() (bool, error){"tokens": a.tokens.reload, "roles": a.roles.reload} {
		changed, err := reload()
		switch {
		case err != nil:
			a.o.Logger.Error("a file of "+what+" cannot be read: what it said before holds", "error", err)
		case changed:
			a.o.Logger.Info("read the file of " + what + " again")
		}
	}
	a.out.forget(time.Now())
	a.lives.check()
}

// Check reads the files of tokens and roles, and says what is wrong with them.
func (o *Options) Check() error {
	_, tokens := openFile(o.TokenFile, parseTokens)
	_, roles := openFile(o.RolesFile, parseRoles)
	return errors.Join(tokens, roles)
}
