# As postfix.awk, but without a pattern: whoever writes ", status=sent" into a line counts.

{ place = index($0, ", status=") }

place {
    status = substr($0, place + 9, 4)
    if (status == "sent") {
        sent++
        seconds += substr($0, index($0, ", delay=") + 8)
    } else if (status == "defe") deferred++
    else if (status == "boun") bounced++
}

END {
    print "numSent", sent + 0
    print "numDeferred", deferred + 0
    print "numBounced", bounced + 0
    printf "delay %.6f\n", seconds
}
