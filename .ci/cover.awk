# Reads what `go test -cover ./...` prints. Fails if a package that core names (claims, or internal/... with all below it)
# has less than floor percent of its statements covered by its own tests, or if a name of core matches no package.
BEGIN { split(core, names, " ") }
/coverage: [0-9.]+% of statements/ {
	for (i = 1; i <= NF; i++) {
		if (index($i, module) == 1) package = substr($i, length(module) + 2)
		if ($i == "coverage:") percent = $(i + 1) + 0
	}
	mark = " "
	for (i in names) {
		name = names[i]
		below = sub(/\/\.\.\.$/, "", name) && index(package, name "/") == 1
		if (package != name && !below) continue
		mark = "*"; seen[i] = 1
		if (percent < floor) low = low sprintf("make cover: %s: %.1f %% of its statements are covered, at least %g %% must be\n", package, percent, floor)
	}
	printf "%s %5.1f %%  %s\n", mark, percent, package
}
END {
	print "* must have " floor " %"
	for (i in names) if (!(i in seen)) low = low "make cover: " names[i] ": no statement of it was measured\n"
	if (low == "") exit 0
	printf "%s", low > "/dev/stderr"
	exit 1
}
