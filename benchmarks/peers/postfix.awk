# The counts of PostfixLogster: attempts by how they ended, seconds of those sent.

/ status=sent \(/ { sent++; seconds += substr($0, index($0, ", delay=") + 8) }
/ status=deferred \(/ { deferred++ }
/ status=bounced \(/ { bounced++ }

END {
    print "numSent", sent + 0
    print "numDeferred", deferred + 0
    print "numBounced", bounced + 0
    printf "delay %.6f\n", seconds
}
