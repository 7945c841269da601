package jwks_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestConfigMistakesAreReportedTogether(t *testing.T) {
	type row struct {
		cfg  jwks.FetcherConfig
		says []string
	}
	each(t, map[string]row{
		"nothing":               {jwks.FetcherConfig{}, []string{"set Issuer, or JWKSURL"}},
		"only a discovery URL":  {jwks.FetcherConfig{DiscoveryURL: issuerURL}, []string{"set Issuer, or JWKSURL"}},
		"a query in the issuer": {jwks.FetcherConfig{Issuer: issuerURL + "?p=1"}, []string{"has a query: set DiscoveryURL"}},
		"two addresses":         {jwks.FetcherConfig{Issuer: issuerURL, DiscoveryURL: issuerURL, JWKSURL: setURL}, []string{"leave one out"}},
		"negative durations": {
			jwks.FetcherConfig{Issuer: issuerURL, Timeout: -1, RefreshInterval: -1, MinRefreshInterval: -1, MaxRefreshInterval: -1, MaxStaleness: -1},
			[]string{"Timeout is -1ns", "RefreshInterval is -1ns", "MinRefreshInterval", "MaxRefreshInterval", "MaxStaleness is -1ns"},
		},
		"less than a second":           {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: time.Millisecond}, []string{"RefreshInterval is 1ms: set at least 1s"}},
		"bounds the wrong way round":   {jwks.FetcherConfig{Issuer: issuerURL, MinRefreshInterval: 2 * time.Hour, MaxRefreshInterval: time.Hour}, []string{"more than MaxRefreshInterval"}},
		"an interval above its bounds": {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: 2 * time.Hour, MaxRefreshInterval: time.Hour}, []string{"not between"}},
		"an interval below its bounds": {jwks.FetcherConfig{Issuer: issuerURL, RefreshInterval: time.Minute, MinRefreshInterval: time.Hour}, []string{"not between"}},
		"all of them": {
			jwks.FetcherConfig{DiscoveryURL: "http://x.example", JWKSURL: "nowhere", Timeout: -1},
			[]string{"DiscoveryURL", "JWKSURL", "Timeout"},
		},
	}, func(t *testing.T, row row) {
		f, err := jwks.NewFetcher(row.cfg)
		for _, says := range row.says {
			require.ErrorContains(t, err, says)
		}
		assert.EqualError(t, row.cfg.Validate(), err.Error())
		assert.Nil(t, f)
	})
}

func TestConfigAcceptsItsBounds(t *testing.T) {
	each(t, map[string]jwks.FetcherConfig{
		"least of everything":                             {JWKSURL: setURL, Timeout: time.Millisecond, RefreshInterval: time.Second, MinRefreshInterval: time.Second, MaxRefreshInterval: time.Second, MaxStaleness: time.Second},
		"at the upper bound":                              {JWKSURL: setURL, RefreshInterval: time.Hour, MaxRefreshInterval: time.Hour},
		"at the lower bound":                              {JWKSURL: setURL, RefreshInterval: time.Hour, MinRefreshInterval: time.Hour},
		"any issuer's name, where it is not where to ask": {Issuer: "no url?", JWKSURL: setURL},
		"an issuer with a query and metadata elsewhere":   {Issuer: issuerURL + "?p=1", DiscoveryURL: issuerURL},
	}, func(t *testing.T, cfg jwks.FetcherConfig) {
		require.NoError(t, cfg.Validate())
		newFetcher(t, cfg)
	})
}

func TestConfigDefaultsMakeRoomForWhatIsSet(t *testing.T) {
	type row struct {
		cfg    jwks.FetcherConfig
		header string
		want   time.Duration // the refresh interval, less up to a tenth
	}
	eachInBubble(t, map[string]row{
		"the defaults":                        {jwks.FetcherConfig{}, "", 15 * time.Minute},
		"an interval below the lower bound":   {jwks.FetcherConfig{RefreshInterval: 5 * time.Second}, "", 5 * time.Second},
		"which then holds for the server too": {jwks.FetcherConfig{RefreshInterval: 5 * time.Second}, "max-age=0", 5 * time.Second},
		"an interval above the upper bound":   {jwks.FetcherConfig{RefreshInterval: 48 * time.Hour, MaxStaleness: 1000 * time.Hour}, "", 48 * time.Hour},
		"an upper bound alone":                {jwks.FetcherConfig{MaxRefreshInterval: 5 * time.Second}, "max-age=3600", 5 * time.Second},
		"a lower bound alone":                 {jwks.FetcherConfig{MinRefreshInterval: 48 * time.Hour, MaxStaleness: 1000 * time.Hour}, "", 48 * time.Hour},
	}, func(t *testing.T, row row) {
		s := newServer(setOf("a"))
		if row.header != "" {
			s.set("Cache-Control", row.header)
		}
		row.cfg.JWKSURL, row.cfg.Client = setURL, &http.Client{Transport: s}
		f := readyFetcher(t, row.cfg)
		next := time.Until(f.Status().NextRefresh)
		assert.LessOrEqual(t, next, row.want)
		assert.GreaterOrEqual(t, next, row.want*9/10)
	})
}
