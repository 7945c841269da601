package claims

// WithDefaults is m with each list that is nil taken from [DefaultMapping]. An
// empty list that is not nil stays empty: it maps nothing.
func (m Mapping) WithDefaults() Mapping {
	d := DefaultMapping()
	if m.Scopes == nil {
		m.Scopes = d.Scopes
	}
	if m.Roles == nil {
		m.Roles = d.Roles
	}
	if m.Permissions == nil {
		m.Permissions = d.Permissions
	}
	if m.ClientID == nil {
		m.ClientID = d.ClientID
	}
	if m.Caller == nil {
		m.Caller = d.Caller
	}
	return m
}
