// Package redact removes secrets from events before they are appended. A log never changes
// what it holds, so it cannot remove them later:
//
//	log, err := eventlog.New(store, &eventlog.Options{
//		Middleware: []eventlog.Middleware{redact.Middleware(nil)},
//	})
//
// It finds secrets by their shape, in every string of an event's data: values and keys, at
// any depth, after their JSON escapes are resolved. It replaces each by
// "[redacted:<name>]", where name is the name of the rule.
//
//   - [Rules] lists the known shapes, and what each of them misses. A secret of any other
//     shape is not found.
//   - Everything else stays byte for byte: order, numbers, escapes. An event without
//     secrets keeps its original slice.
//   - Redacting again changes nothing.
//   - Data that is not JSON stays as it is, so the log refuses it.
//   - The time is proportional to the size of the event. Expressions run only where the
//     text has one of a rule's fixed beginnings.
//
// # Caveats
//
// Shapes are a safety net, not a proof: keep secrets away from agents.
//
//   - A secret in pieces is not found: over several events (the deltas of a message), over
//     several strings ("--password", "hunter2"), or encoded (base64, URL escapes) unless a
//     rule says so.
//   - Only strings are searched. A PIN that is a number stays.
//   - Some harmless text has the shape of a secret and is lost: the password in a manual's
//     example.
//   - Two keys of an object that are both secrets may become equal.
//   - Only appends are searched. The title of a task and the names of a session are not
//     part of an append.
//   - Redact before texts are cut: a secret that loses its end may lose its shape, and a
//     hash of the removed part helps to guess it.
//
// # Why a table of its own
//
// Rule sets that others maintain are made to scan repositories. The nearest one is gitleaks
// (MIT). As a library (v8.30.1) it adds 60 modules and 250 packages to the program that
// embeds it and 60 ms to its start. It reads 1 to 17 MB of text a second, because each of
// its 222 expressions runs over the whole text once its keyword is anywhere in it. It
// reports findings instead of places to replace. By default it does not know the shapes
// that matter most in what tools print: "Authorization: Bearer …" outside of a curl
// command, the password in a URL, a short password=…, .netrc, an Azure connection string.
// The table here is small enough to read in full and needs only the standard library. A
// program can add to it with [Options.Extra].
package redact
