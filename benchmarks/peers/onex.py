"""A parser as people wrote them for 1.x: one method for a line, one for the figures."""

from logster.logster_helper import LogsterParser, MetricObject


class OnexLogster(LogsterParser):
    """Count the deliveries of Postfix by how they ended."""

    def __init__(self, option_string=None):  # noqa: ANN001, ANN204 - as 1.x had it
        self.sent = self.deferred = self.bounced = 0

    def parse_line(self, line):  # noqa: ANN001, ANN201
        """Take one line."""
        if " status=" not in line:
            return
        if " status=sent (" in line:
            self.sent += 1
        elif " status=deferred (" in line:
            self.deferred += 1
        elif " status=bounced (" in line:
            self.bounced += 1

    def get_state(self, duration):  # noqa: ANN001, ANN201
        """Return the figures."""
        return [
            MetricObject("numSent", self.sent, "Sent"),
            MetricObject("numDeferred", self.deferred, "Deferred"),
            MetricObject("numBounced", self.bounced, "Bounced"),
        ]
