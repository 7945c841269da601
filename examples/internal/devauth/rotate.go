package devauth

import "fmt"

// Step is one step of a key rotation.
type Step string

// The steps. A careful server publishes, waits until every resource server has
// fetched, signs, waits until the old tokens are gone, and retires.
const (
	StepPublishAndSign Step = ""           // publish a new key, unless one waits already, and sign with it
	StepPublish        Step = "publish"    // publish the next key
	StepSign           Step = "sign"       // sign with the next key; the old one stays published
	StepRetire         Step = "retire"     // withdraw old keys, refused while their tokens are valid
	StepRetireNow      Step = "retire-now" // withdraw old keys whatever their tokens are worth, as after a theft
)

// Rotate takes one step of a rotation of a scheme's keys and returns where it
// stands then. The error wraps [ErrRotation] when the step is out of order.
func (s *Server) Rotate(scheme Scheme, step Step) (KeyState, error) {
	i, err := s.issuer(scheme)
	if err != nil {
		return KeyState{}, err
	}
	if err := s.rotate(i, step); err != nil {
		return KeyState{}, err
	}
	state := i.keys.state()
	s.log.Info("devauth: keys rotated", "scheme", scheme, "step", step, "signing", state.Signing, "next", state.Next)
	return state, nil
}

func (s *Server) rotate(i *issuer, step Step) error {
	switch step {
	case StepPublish, StepPublishAndSign:
		k, err := s.newKey(i.info.Scheme, i.info.Algorithm)
		if err != nil {
			return err
		}
		if step == StepPublish {
			return i.keys.publish(k)
		}
		return i.keys.publishAndPromote(k)
	case StepSign:
		return i.keys.promote()
	case StepRetire, StepRetireNow:
		return i.keys.retire(s.now(), step == StepRetireNow)
	default:
		return fmt.Errorf("devauth: no rotation step %q: use %s, %s, %s, %s or none at all",
			step, StepPublish, StepSign, StepRetire, StepRetireNow)
	}
}

func (s *Server) newKey(scheme Scheme, alg string) (*key, error) {
	signer, err := s.newSigner(alg)
	if err != nil {
		return nil, fmt.Errorf("devauth: make a %s key: %w", alg, err)
	}
	return newKey(scheme, alg, signer, s.now())
}
