package verifier

import (
	"fmt"
	"slices"
	"strings"
)

// The kinds of keys of [Issuer.Hints].
const (
	hintIss    = "iss"
	hintAud    = "aud"
	hintHeader = "header"
	hintTyp    = "typ"
	hintClaim  = "claim"
	hintToken  = "token"
	hintLacks  = "lacks"
)

// checkHintKey reports a key of [Issuer.Hints] that is read nowhere.
func checkHintKey(key string) error {
	kind, value, _ := strings.Cut(key, ":")
	switch {
	case value == "" && kind != hintTyp: // no typ
	case slices.Contains([]string{hintIss, hintAud, hintHeader, hintTyp, hintClaim}, kind):
		return nil
	case kind == hintToken && value == "opaque":
		return nil
	case kind == hintLacks && slices.Contains([]string{kindScope, kindRole, kindPermission, kindLevel}, value):
		return nil
	}
	return fmt.Errorf("Hints[%q]: the key must be iss:VALUE, aud:VALUE, header:NAME, typ:VALUE, claim:NAME, token:opaque or lacks:KIND of scope, role, permission or level", key)
}

// ownHint returns what this issuer says about value, "" if it says nothing.
func (i *issuer) ownHint(kind, value string) string { return i.hints[kind+":"+value] }

// opaqueHint returns what the issuers say about a token that is no JWT, as the end
// of a sentence, "" if they say nothing.
func (v *Verifier) opaqueHint() string {
	if h := v.hints[hintToken+":opaque"]; h != "" {
		return ". " + h
	}
	return ""
}

// configuredHint returns the sentence of the most exact key that fits value, ""
// if none does.
func (v *Verifier) configuredHint(kind, value string) string {
	if h, ok := v.hints[kind+":"+value]; ok {
		return h
	}
	if h, ok := v.hints[kind+":{guid}"]; ok && isGUID(value) {
		return h
	}
	longest := ""
	for key := range v.hints {
		prefix, ok := strings.CutSuffix(key, "*")
		if ok && strings.HasPrefix(kind+":"+value, prefix) && len(key) > len(longest) {
			longest = key
		}
	}
	return v.hints[longest]
}
