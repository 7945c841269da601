package setting

// Names are what the user of a program calls its settings.
type Names map[Name]string

var nameFetches func(cfg any, names Names)

// RegisterFetches sets what [NameFetches] does. Package jwks calls it, once, to
// initialise a variable; the result has no meaning.
func RegisterFetches(name func(cfg any, names Names)) struct{} {
	nameFetches = name
	return struct{}{}
}

// NameFetches has the mistakes that fetches find later, such as a jwks_uri that
// may not be asked, name their settings as the user of the program does. cfg is a
// *jwks.FetcherConfig. These names come before those that it was given earlier:
// what one makes of a name, the next may rename again.
func NameFetches(cfg any, names Names) { nameFetches(cfg, names) }
