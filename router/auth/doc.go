// Package auth decides who may do what on a server. It knows tokens, cookies from the
// login, tickets that open one task, proxies that identify people, and OpenID Connect
// providers.
//
//	a, err := auth.Open(auth.Options{TokenFile: "tokens", KeyFile: "jr.db.key"})
//	handler, err := router.New(log, streams, &router.Options{Authorize: a.Authorize, Routes: a.Routes()})
//	server := &http.Server{Handler: a.Wrap(handler)}
//
// It promises:
//
//   - The time of a comparison reveals nothing about a credential. A credential is not kept
//     in clear text where its hash is enough, and is never put into a log, a metric or an
//     error.
//   - A change in a file of tokens or roles takes effect within 5 s. A credential that was
//     removed ends, with the streams that it opened. A file that cannot be read, or has an
//     error, changes nothing, and the log reports it.
//   - A cookie or a ticket is signed with a key from a file of its own. A new key ends all
//     of them. A cookie that was signed out is no longer valid, also after a restart.
//   - A ticket opens the page, the stream, the events and the JSON of one task, read-only,
//     until it expires.
//   - Attempts to sign in are limited, by address and in all.
//
// Caveats: if an older state of the key's folder is restored, cookies that were signed out
// since are valid again. A new key ends all of them.
package auth
