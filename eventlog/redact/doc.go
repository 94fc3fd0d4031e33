// Package redact takes secrets out of events before they are appended, because
// a log that never changes what it holds cannot take them out later:
//
//	log, err := eventlog.New(store, &eventlog.Options{
//		Middleware: []eventlog.Middleware{redact.Middleware(nil)},
//	})
//
// It finds secrets by their shape, in every string of an event's data: values
// and keys, at any depth, as they read after their JSON escapes are resolved.
// Each is replaced by "[redacted:<name>]", where name is the rule's.
//
//   - [Rules] lists the shapes that are known, each with what it misses. A secret
//     of any other shape is not found.
//   - What is not a secret stays byte for byte: order, numbers, escapes. An
//     event without secrets keeps its very slice.
//   - Redacting again changes nothing.
//   - Data that is not JSON is left alone, and so is refused by the log.
//   - The time it takes is in proportion to the size of the event. Expressions
//     run only where one of a rule's fixed beginnings stands in the text.
//
// # Caveats
//
// Shapes are a safety net, not a proof: keep secrets away from agents.
//
//   - A secret in pieces is not found: over several events (the deltas of a
//     message), over several strings ("--password", "hunter2"), or encoded
//     (base64, URL escapes) unless a rule says so.
//   - Only strings are looked at. A PIN that is a number stays.
//   - Some harmless text has a secret's shape and is lost: the password in a
//     manual's example.
//   - Two keys of an object that are both secrets may become equal.
//   - Only appends are seen. A task's title and a session's names are not part
//     of one.
//   - Redact before texts are cut: a secret may lose its shape with its end, and a hash of
//     what was cut helps to guess it.
//
// # Why a table of its own
//
// The rule sets that are maintained elsewhere are made to scan repositories. The
// one that comes nearest is gitleaks (MIT). As a library (v8.30.1) it adds 60
// modules and 250 packages to the program that embeds it and 60 ms to its start,
// and reads 1 to 17 MB of text a second, as each of its 222 expressions runs over
// the whole text once its keyword is anywhere in it. It reports findings rather
// than places to replace, and by default does not know the shapes that matter most
// in what tools print: "Authorization: Bearer …" outside of a curl command, the
// password in a URL, a short password=…, .netrc, an Azure connection string. The
// table here is small enough to be read in full, needs nothing but the standard
// library, and an embedder adds to it with [Options.Extra].
package redact
