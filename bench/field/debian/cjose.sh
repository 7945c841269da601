# Compiles the driver of cjose, and runs it with the directory of the corpus.
program=$(mktemp) || exit 1
trap 'rm -f "$program"' EXIT
cc -O1 -o "$program" cjose.c -lcjose -ljansson || exit 1
"$program" "$1"
