package streaming

// reasons say why a row is not reached, as far as profiles tell. They are shown
// only when it is not.
var reasons = map[string]string{}
