"""A queue."""
import collections
from typing import Optional

class Queue:
    """Waiting jobs."""

    def __init__(self, jobs):
        self.jobs = collections.deque(jobs)
        self.claimed = 0

    @property
    def length(self) -> int:
        """How many jobs wait."""
        return len(self.jobs) - self.claimed

    class Empty(Exception):
        def __str__(self):
            return "the queue is empty: " + repr(self.args)

# Not a method.
@functools.cache
def claim(queue, timeout: Optional[float] = None):
    while not queue.jobs:
        time.sleep(timeout or 0.1)
    return queue.jobs.popleft()

if __name__ == "__main__":
    print(claim(Queue([1, 2, 3])), file=sys.stderr)
