package transcript
func isOpenCodeExport(o object) bool { return false }
type openCodeExport struct{ holdsNothing }
func (*openCodeExport) object(object, *output) bool { return false }
