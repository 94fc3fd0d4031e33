package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"jrweb/router/auth"
)

// accessFlags say who may come in.
func accessFlags() []cli.Flag {
	slice := func(name, usage string) cli.Flag {
		return &cli.StringSliceFlag{Name: name, Usage: usage + "; may be repeated", Sources: env(name)}
	}
	return []cli.Flag{
		stringFlag("token-file", "", "who may come in: name:role:token or name:role:sha256:HEX a line; jrweb token makes them"),
		stringFlag("auth-key", "", "the file with the key that signs cookies and links to share, made if there is none; the servers of a cluster have the same (default: the database file and .key)"),
		stringFlag("auth-roles", "", "what people may do whom a proxy or a provider names: name:role or @group:role a line"),
		slice("auth-proxy", "take the name of who it is from the proxies of this network (CIDR), or unix: from whoever comes over our Unix socket"),
		stringFlag("auth-header", "Remote-User", "the header in which a proxy says who it is"),
		stringFlag("auth-groups-header", "", "the header in which a proxy says the groups, with commas between"),
		slice("trusted-proxy", "take the address of clients from X-Forwarded-For of the proxies of this network (CIDR), or unix: of whoever comes over our Unix socket; those of -auth-proxy are trusted, too"),
		stringFlag("oidc-issuer", "", "let people sign in at this OpenID Connect provider"),
		stringFlag("oidc-client-id", "", "what the provider knows us by"),
		stringFlag("oidc-client-secret-file", "", "the file with the secret that the provider gave us"),
		slice("oidc-domain", "let in people with a verified mail address of this domain only"),
		stringFlag("oidc-groups-claim", "groups", "the claim that lists somebody's groups"),
		stringFlag("oidc-redirect-url", "", "our /login/callback as browsers reach it (default: as the request says)"),
	}
}

// readAccess reads accessFlags. Nil: everybody may come in.
func readAccess(c *cli.Command) (*auth.Options, error) {
	o := &auth.Options{TokenFile: c.String("token-file"), RolesFile: c.String("auth-roles"), KeyFile: c.String("auth-key"), Logger: newLogger(c)}
	var err error
	if o.Proxies, o.UnixProxy, err = readNetworks(c, "auth-proxy"); err != nil {
		return nil, err
	}
	if o.TrustedProxies, o.TrustUnix, err = readNetworks(c, "trusted-proxy"); err != nil {
		return nil, err
	}
	proxied := len(o.Proxies) > 0 || o.UnixProxy
	if proxied {
		o.ProxyHeader, o.GroupsHeader = c.String("auth-header"), c.String("auth-groups-header")
	}
	if o.OIDC, err = readProvider(c); err != nil {
		return nil, err
	}
	switch named := proxied || o.OIDC != nil; {
	case named && o.RolesFile == "":
		return nil, usagef("-auth-roles is required with -auth-proxy and -oidc-issuer: it says what people may do")
	case !named && o.RolesFile != "":
		return nil, usagef("-auth-roles is for people whom -auth-proxy or -oidc-issuer names")
	case !named && o.TokenFile == "" && (len(o.TrustedProxies) > 0 || o.TrustUnix):
		return nil, usagef("-trusted-proxy is for a server that asks who people are: -token-file, -auth-proxy or -oidc-issuer")
	case !named && o.TokenFile == "" && given(c, "auth-key"):
		return nil, usagef("-auth-key is for a server that asks who people are: -token-file, -auth-proxy or -oidc-issuer")
	case !named && o.TokenFile == "":
		return nil, nil
	}
	return o, o.Check() // before anything is made
}

// readNetworks reads a flag with the networks of proxies. The word unix stands for everybody who
// comes over our Unix socket.
func readNetworks(c *cli.Command, flag string) (networks []netip.Prefix, isUnix bool, err error) {
	for _, text := range c.StringSlice(flag) {
		if text == "unix" {
			isUnix = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, false, usagef("-%s %q is no network (CIDR): 127.0.0.1/32 is one of one address", flag, text)
		}
		networks = append(networks, network.Masked())
	}
	return networks, isUnix, nil
}

func readProvider(c *cli.Command) (*auth.OIDC, error) {
	p := &auth.OIDC{
		Issuer: c.String("oidc-issuer"), ClientID: c.String("oidc-client-id"), Domains: c.StringSlice("oidc-domain"),
		GroupsClaim: c.String("oidc-groups-claim"), RedirectURL: c.String("oidc-redirect-url"),
	}
	if p.Issuer == "" {
		if p.ClientID != "" || c.IsSet("oidc-client-secret-file") || len(p.Domains) > 0 || p.RedirectURL != "" {
			return nil, usagef("-oidc-issuer is required: where people sign in")
		}
		return nil, nil
	}
	if p.ClientID == "" || !c.IsSet("oidc-client-secret-file") {
		return nil, usagef("-oidc-issuer needs -oidc-client-id and -oidc-client-secret-file")
	}
	secret, err := os.ReadFile(c.String("oidc-client-secret-file"))
	if err != nil {
		return nil, fmt.Errorf("read -oidc-client-secret-file: %w", err)
	}
	if p.ClientSecret = strings.TrimSpace(string(secret)); p.ClientSecret == "" {
		return nil, errors.New("-oidc-client-secret-file is empty")
	}
	return p, nil
}

// mayBeyond reports whether the server may listen beyond loopback: somebody is asked who
// they are, or everybody is meant to come in.
func mayBeyond(c *cli.Command, access *auth.Options) bool { return access != nil || c.Bool("insecure") }
