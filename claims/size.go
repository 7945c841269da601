package claims

// Size is about how many bytes of memory the claims hold, for caches that
// bound theirs: the payload, its index, and the names cut out of it.
func (c *Claims) Size() int {
	const header = 16 // of a string
	o := c.orNobody()
	names := len(o.audiences) + len(o.scopes) + len(o.roles) + len(o.permissions)
	return len(o.payload.Text()) + header*(2*o.payload.Len()+names)
}
