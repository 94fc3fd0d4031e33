package dbfile

// What tests need beyond the API: upgrade with its steps, and its decoder.
var (
	UpgradeBySteps = upgrade
	DecodeState2   = decodeState2
)
