# The counts of SquidLogster: results by code, statuses by class, bytes.

BEGIN {
    codes["TCP_MISS"] = codes["TCP_DENIED"] = codes["TCP_HIT"] = codes["TCP_MEM_HIT"] = 0
    codes["OTHER"] = 0
}

{
    split($4, result, "/")
    codes[result[1] in codes ? result[1] : "OTHER"]++
    classes[substr(result[2], 1, 1)]++
    size += $5
}

END {
    for (code in codes) print "squid_" code, codes[code]
    for (class = 1; class <= 5; class++) print "http_" class "xx", classes[class] + 0
    printf "size %.0f\n", size
}
