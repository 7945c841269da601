package forgeries

// Rows returns the beginnings of names of each table.
func Rows() map[string][]string {
	out := map[string][]string{}
	for kind, t := range map[string]table{"token": tokens, "proof": proofs, "certificate": certificates, "answer": answers} {
		for _, g := range t {
			for _, r := range g.rows {
				out[kind] = append(out[kind], r.begins)
			}
		}
	}
	return out
}
