# Statuses by class and bytes of Apache's combined format.

BEGIN { FS = "\"" }

{
    rest = $3
    if (rest !~ /^ [0-9]+ [0-9-]+ $/) {
        # A quote that a client sent stands behind a backslash.
        line = $0
        gsub(/\\\\|\\"/, "", line)
        split(line, part)
        rest = part[3]
    }
    split(rest, field, " ")
    classes[substr(field[1], 1, 1)]++
    size += field[2]
}

END {
    for (class = 1; class <= 5; class++) print "http_" class "xx", classes[class] + 0
    printf "size %.0f\n", size
}
