package providers

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/verifier"
)

// Cluster is a Kubernetes cluster. The zero value is the one that the program
// runs in, with the issuer that most clusters have.
type Cluster struct {
	_ [0]func() // keyed literals only

	// Issuer is the iss claim, "" for https://kubernetes.default.svc.cluster.local.
	// Clusters of cloud providers have others:
	//	kubectl get --raw /.well-known/openid-configuration
	Issuer string
	// APIServer is where the API server answers, https://HOST or
	// https://HOST:PORT. "" is https://kubernetes.default.svc, of the cluster
	// that the program runs in.
	APIServer string
	// CAFile has the certificates that the API server is trusted by, and
	// BearerFile the token that it is asked with. Where APIServer is "" they are
	// the files of that name that Kubernetes mounts into every pod; for another
	// API server "" is none.
	CAFile, BearerFile string
}

// What a pod finds in its own cluster.
//
// Kubernetes, accessing the API from a pod: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
const (
	clusterIssuer = "https://kubernetes.default.svc.cluster.local"
	clusterAPI    = "https://kubernetes.default.svc"
	k3s           = "k3s" // the API server's audience too, in a cluster of that name
	clusterFiles  = "/var/run/secrets/kubernetes.io/serviceaccount/"
)

// Kubernetes returns a Provider that expects tokens of service accounts, as pods
// get them by a projected volume. serviceAccounts are who may call, each as
// NAMESPACE/NAME, or NAMESPACE/* for all of a namespace; audiences are what the
// volume names, which must not be the API server's own.
//
// Keys come from /openid/v1/jwks of the API server, without discovery: the
// document often names the address of a node. The cluster's CA and the pod's
// token are read again for each fetch, and the token is sent to that API server
// alone. The role system:service-account-issuer-discovery allows the request.
//
// The client, for [claims.ClientIn], is the subject:
// system:serviceaccount:NAMESPACE:NAME.
//
// Kubernetes, service account issuer discovery: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
//
// [claims.ClientIn]: https://pkg.go.dev/github.com/sallyport-go/sallyport/claims#ClientIn
func Kubernetes(cluster Cluster, serviceAccounts []string, audiences ...string) Provider {
	if err := errors.Join(cluster.mistake(), checkAccounts(serviceAccounts), checkAudiences(audiences), cluster.checkAudiences(audiences)); err != nil {
		return failed("Kubernetes", err)
	}
	issuer := cmp.Or(cluster.Issuer, clusterIssuer)
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:       issuer,
			Audiences:  slices.Clone(audiences),
			Algorithms: []string{"RS256", "ES256", "ES384", "ES512"},
			Required:   []string{"kubernetes.io"}, // bound tokens have it
			Limits:     []verifier.Limit{accountLimit(serviceAccounts)},
			Claims: claims.Mapping{
				Scopes:      []claims.Source{},
				Roles:       []claims.Source{},
				Permissions: []claims.Source{},
				ClientID:    []claims.Path{{"sub"}},
				Caller:      []claims.Evidence{{Is: claims.CallerApp, Present: []string{"kubernetes.io"}}},
			},
			Hints: hints(kubernetesHints(issuer)),
		},
		Source: cluster.source(issuer),
	}}}
}

func kubernetesNamed(s Settings) Provider {
	return Kubernetes(Cluster{Issuer: s.Issuer, APIServer: s.APIServer, CAFile: s.CAFile, BearerFile: s.BearerFile}, s.ServiceAccounts, s.Audiences...)
}

func (c *Cluster) source(issuer string) Source {
	s := Source{Issuer: issuer, CAFile: c.CAFile, BearerFile: c.BearerFile}
	if c.APIServer == "" {
		s.CAFile, s.BearerFile = cmp.Or(s.CAFile, clusterFiles+"ca.crt"), cmp.Or(s.BearerFile, clusterFiles+"token")
	}
	s.JWKSURL = strings.TrimSuffix(cmp.Or(c.APIServer, clusterAPI), "/") + "/openid/v1/jwks"
	return s
}

func (c *Cluster) mistake() error {
	if c.APIServer == "" {
		return nil
	}
	u, err := url.Parse(c.APIServer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(c.APIServer, "?#") {
		return setting.Errorf("%s %.200q: give https://HOST or https://HOST:PORT", nameAPIServer, c.APIServer[strings.LastIndexByte(c.APIServer, '@')+1:])
	}
	return nil
}

// checkAudiences reports the API server's own audience: every pod has a token
// for it, and a service that takes one can use it against the cluster.
func (c *Cluster) checkAudiences(audiences []string) error {
	own := []string{cmp.Or(c.Issuer, clusterIssuer), clusterIssuer, clusterAPI, k3s}
	if c.APIServer != "" {
		own = append(own, strings.TrimSuffix(c.APIServer, "/"))
	}
	for _, aud := range audiences {
		if slices.Contains(own, strings.TrimSuffix(aud, "/")) {
			return setting.Errorf("%s: %.200q is the API server's own, which the token of every pod has: choose an audience of your own, and have callers mount a projected token for it", nameAudiences, aud)
		}
	}
	return nil
}

const accountPrefix = "system:serviceaccount:"

// accountLimit returns the limit of sub to the service accounts. No part of a
// name can hold a colon, so that a namespace is all before the second one.
func accountLimit(accounts []string) verifier.Limit {
	l := verifier.Limit{Claims: []claims.Path{{"sub"}}}
	for _, account := range accounts {
		namespace, name, _ := strings.Cut(account, "/")
		if name == "*" {
			l.Prefixes = append(l.Prefixes, accountPrefix+namespace+":")
		} else {
			l.Values = append(l.Values, accountPrefix+namespace+":"+name)
		}
	}
	return l
}

func checkAccounts(accounts []string) error {
	if err := checkSet(nameServiceAccounts, accounts...); err != nil {
		return err
	}
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	var problems []error
	for _, account := range accounts {
		namespace, name, ok := strings.Cut(account, "/")
		if !ok || namespace == "" || strings.Trim(namespace, letters) != "" || name == "" || name != "*" && strings.Trim(name, letters+".") != "" {
			problems = append(problems, setting.Errorf("%s: %.200q: give NAMESPACE/NAME, or NAMESPACE/* for all of a namespace", nameServiceAccounts, account))
		}
	}
	return errors.Join(problems...)
}

// kubernetesHints are what a refusal means in a cluster.
//
// Kubernetes, projected tokens: https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
func kubernetesHints(issuer string) map[string]string {
	const (
		own     = "This is the token for the API server, which every pod has: have the caller mount one for this API, by a projected volume with serviceAccountToken and its audience."
		old     = "This is a token of the old kind, out of a Secret, which never expires: have the caller mount one by a projected volume with serviceAccountToken and this API's audience."
		another = "Each cluster has an issuer of its own: kubectl get --raw /.well-known/openid-configuration shows it; configure that issuer, if this cluster's pods may call."
	)
	return with(lacking("Kubernetes grants nothing in a token: let the rule ask which service account calls, by claims.ClientIn and its system:serviceaccount:NAMESPACE:NAME."), map[string]string{
		"aud:" + issuer:        own,
		"aud:" + clusterIssuer: own,
		"aud:" + clusterAPI:    own,
		"aud:" + k3s:           own,

		"iss:kubernetes/serviceaccount": old,
		"claim:exp":                     old,
		"claim:kubernetes.io":           old,
		"claim:sub":                     "This service account may not call: add it to the service accounts, as NAMESPACE/NAME, if it may.",

		"iss:https://kubernetes.default.svc*":       another,
		"iss:https://oidc.eks.*":                    another,
		"iss:https://container.googleapis.com/v1/*": another,
	})
}
