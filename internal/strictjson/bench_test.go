package strictjson_test

import (
	"testing"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// entraApp is an Entra v1.0 app token's payload: what Parse meets most.
const entraApp = `{"aud":"api://apim-orders","iss":"https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/",` +
	`"iat":1627896119,"nbf":1627896119,"exp":1627900019,"aio":"E2ZgYDjz+c/2ne8/","appid":"11111111-1111-1111-1111-111111111111",` +
	`"appidacr":"1","idp":"https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/","idtyp":"app",` +
	`"oid":"22222222-2222-2222-2222-222222222222","rh":"0.AX0A","roles":["get","post"],` +
	`"sub":"22222222-2222-2222-2222-222222222222","tid":"a53d724c-15ea-4469-a987-82a5b30ec167",` +
	`"uti":"FVsGxYXI30-TuikuuUoFAA","ver":"1.0"}`

// BenchmarkParse measures the one pass over a payload that every token costs
// before its signature is looked at.
func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"payload=entra-app": entraApp,
		"payload=header":    `{"typ":"JWT","alg":"RS256","kid":"MnC_VZcATfM5pOYiJHMba9goEKY"}`,
	} {
		b.Run(name, func(b *testing.B) {
			data := []byte(text)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := strictjson.Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
