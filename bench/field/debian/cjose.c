// cjose, which checks signatures by a JWK. Keys are found by kid, and the list of algorithms is compared, as its callers do.
// Each case has a process of its own, since a crash would end the others.
#include <cjose/cjose.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static json_t *load(const char *base, const char *dir, json_t *name) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s/%s", base, dir, json_string_value(name));
	return json_load_file(path, 0, NULL);
}

static int in(json_t *list, const char *text) {
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one) if (text && !strcmp(text, json_string_value(one))) return 1;
	return 0;
}

static int accepts(json_t *keys, json_t *policy, const char *token) {
	cjose_jws_t *jws = cjose_jws_import(token, strlen(token), NULL);
	if (!jws || !in(json_object_get(policy, "algorithms"), cjose_header_get(cjose_jws_get_protected(jws), "alg", NULL))) return 0;
	const char *kid = cjose_header_get(cjose_jws_get_protected(jws), "kid", NULL);
	size_t i;
	json_t *key;
	json_array_foreach(json_object_get(keys, "keys"), i, key) {
		const char *id = json_string_value(json_object_get(key, "kid"));
		if (kid && (!id || strcmp(kid, id))) continue;
		cjose_jwk_t *jwk = cjose_jwk_import_json((cjose_header_t *)key, NULL);
		if (jwk && cjose_jws_verify(jws, jwk, NULL)) return 1;
	}
	return 0;
}

int main(int argc, char **argv) {
	char path[4096], *line = NULL;
	size_t size = 0;
	snprintf(path, sizeof path, "%s/cases.jsonl", argv[argc - 1]);
	FILE *cases = fopen(path, "r");
	printf("{\"version\":\"%s\"}\n", CJOSE_VERSION);
	while (cases && getline(&line, &size, cases) > 0) {
		json_t *one = json_loads(line, JSON_ALLOW_NUL, NULL);
		if (!one || json_object_get(one, "request")) continue;
		fflush(stdout);
		pid_t child = fork();
		if (!child) {
			alarm(10);
			_exit(!accepts(load(argv[1], "keys", json_object_get(one, "keys")), load(argv[1], "policies", json_object_get(one, "policy")),
				json_string_value(json_object_get(one, "token"))));
		}
		int status;
		waitpid(child, &status, 0);
		json_t *out = json_pack("{s:O,s:s}", "name", json_object_get(one, "name"), "answer",
			!WIFEXITED(status) ? "crashed" : WEXITSTATUS(status) ? "refused" : "accepted");
		puts(json_dumps(out, JSON_COMPACT));
	}
}
