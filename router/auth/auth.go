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

// Options say which credentials are accepted. Without a file of tokens, a proxy or a
// provider, every client is refused.
type Options struct {
	// TokenFile is the file of tokens, or "" for none.
	TokenFile string
	// RolesFile gives roles to people whom a proxy or a provider names. It has one
	// name:role or @group:role on each line. A person who is not in it has no role.
	RolesFile string
	// KeyFile holds the key that signs cookies and tickets. It is made if it does not
	// exist. A file beside it, with ".signed-out" added to the name, lists the cookies that
	// are no longer valid.
	KeyFile string
	// Proxies are the networks of trusted proxies. Such a proxy names the person in
	// ProxyHeader and, if that is set, the groups in GroupsHeader, separated by commas. The
	// headers are removed from the requests of all other peers.
	Proxies []netip.Prefix
	// UnixProxy trusts every peer on a Unix socket like a proxy of Proxies.
	UnixProxy    bool
	ProxyHeader  string
	GroupsHeader string
	// TrustedProxies are the networks of proxies in front. The address of their clients is
	// taken from X-Forwarded-For, and from X-Forwarded-Proto that they come over TLS. The
	// proxies of Proxies are trusted, too.
	TrustedProxies []netip.Prefix
	// TrustUnix trusts every peer on a Unix socket like a proxy of TrustedProxies.
	TrustUnix bool
	// OIDC is the provider where people sign in. Nil: none.
	OIDC *OIDC
	// Logger gets one line for each attempt to sign in, and errors in a file that has
	// changed. Nil: silence.
	Logger *slog.Logger
}

// Auth decides who may do what. Its methods may be called concurrently.
type Auth struct {
	o      Options
	sealer sealer
	cookie string // the name of the cookie
	tokens *file[[]token]
	roles  *file[roles]
	lives  lives
	limit  *limiter
	back   *limiter  // of those who come back from the provider
	oidc   *provider // nil: none
	stop   context.CancelFunc
	ended  chan struct{}
	out    *signedOut
}

// Open reads the files. The caller must close the Auth.
func Open(o Options) (*Auth, error) {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	a := &Auth{o: o, limit: newLimiter(), back: newLimiter(), ended: make(chan struct{})}
	var err error
	if a.sealer, err = openKey(o.KeyFile); err != nil {
		return nil, err
	}
	if a.out, err = openSignedOut(o.KeyFile+".signed-out", time.Now()); err != nil {
		return nil, err
	}
	// Cookies ignore ports: two servers on one machine must not overwrite each other's
	// cookies.
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

// Close ends everything that was granted.
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

// Reload reads the files of tokens and roles now, if they have changed, and ends what is no
// longer valid.
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

// Check reads the files of tokens and roles, and reports errors in them.
func (o *Options) Check() error {
	_, tokens := openFile(o.TokenFile, parseTokens)
	_, roles := openFile(o.RolesFile, parseRoles)
	return errors.Join(tokens, roles)
}
