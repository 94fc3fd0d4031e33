package metrics

// BuildOf is tested on its own: a test's own build information has no commit.
var BuildOf = buildOf
