# As squid.awk, but with all that can wait left to the end.

{ results[$4]++; size += $5 }

END {
    for (name in results) {
        split(name, result, "/")
        known = result[1] ~ /^TCP_(MISS|DENIED|HIT|MEM_HIT)$/
        codes[known ? result[1] : "OTHER"] += results[name]
        classes[substr(result[2], 1, 1)] += results[name]
    }
    split("TCP_MISS TCP_DENIED TCP_HIT TCP_MEM_HIT OTHER", wanted)
    for (place in wanted) print "squid_" wanted[place], codes[wanted[place]] + 0
    for (class = 1; class <= 5; class++) print "http_" class "xx", classes[class] + 0
    printf "size %.0f\n", size
}
