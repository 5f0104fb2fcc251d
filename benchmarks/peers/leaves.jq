# Sum and mean of the six numbers of each object: jq -n -c -f leaves.jq LOG

reduce inputs as $line (
  {};
  .n += 1
  | ."request.bytes" += $line.request.bytes
  | ."response.status" += $line.response.status
  | ."response.bytes" += $line.response.bytes
  | ."response.seconds" += $line.response.seconds
  | ."upstream.seconds" += $line.upstream.seconds
  | .queue += $line.queue
)
| .n as $n
| del(.n)
| to_entries[]
| "\(.key).sum \(.value)", "\(.key).avg \(.value / $n)"
