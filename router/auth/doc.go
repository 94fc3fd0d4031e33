// Package auth decides who may do what on a server: by tokens, by cookies that signing
// in gives, by tickets that open one task, by a proxy that knows people, or by an
// OpenID Connect provider.
//
//	a, err := auth.Open(auth.Options{TokenFile: "tokens", KeyFile: "jr.db.key"})
//	handler, err := router.New(log, streams, &router.Options{Authorize: a.Authorize, Routes: a.Routes()})
//	server := &http.Server{Handler: a.Wrap(handler)}
//
// What it promises:
//
//   - No credential is compared in a time that tells anything of it, kept in the clear
//     where its hash does, or put into a log, a metric or an error.
//   - A file of tokens or roles that changes counts within 5 s. What is not in it any
//     more ends, with the streams that it opened. A file that cannot be
//     read, or has a mistake, changes nothing: the log says what is wrong.
//   - A cookie or a ticket is signed with a key of its own file. A new key ends all.
//     A cookie that was signed out holds no more, also after a restart.
//   - A ticket opens the page, the stream, the events and the JSON of one task, to
//     read, until it expires.
//   - Attempts to sign in are limited, by address and in all.
//
// Caveats: who puts back an older state of the key's folder signs in again who has
// signed out since. A new key ends all.
package auth
