#include <stdlib.h>
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* A job that waits. */
struct job {
    struct job *next;
    const char *name;
    int attempts;
};

typedef struct { struct job *first, *last; } queue_t;

/* Takes the oldest job. */
static struct job *queue_claim(queue_t *queue)
{
    struct job *job = queue->first;
    if (job)
        queue->first = job->next;
    return job;
}

int (*handler(int signal))(void)
{
    return signal > MAX(0, 1) ? abort_now : carry_on_as_if_nothing_happened;
}
