package claims

// Size is about how many bytes of memory the claims hold, for caches that
// bound theirs: the payload, its index, and the names cut out of it.
func (c *Claims) Size() int {
	const header = 16 // of a string, and of a member in the index
	o := c.orNobody()
	names := len(o.audiences) + len(o.scopes) + len(o.roles) + len(o.permissions)
	return len(o.payload.Text()) + header*(o.payload.Len()+names)
}
