package org.example.queue;

import java.util.ArrayDeque;

/** Waiting jobs. */
public final class Queue<T> {
    private final ArrayDeque<T> jobs = new ArrayDeque<>();

    public Queue(Iterable<T> jobs) {
        for (T job : jobs) this.jobs.add(job);
    }

    /** Takes the oldest job. */
    @Override
    public T claim() throws InterruptedException {
        while (jobs.isEmpty()) Thread.sleep(10);
        return jobs.removeFirst();
    }

    enum State { QUEUED, RUNNING, DONE, DEAD, CANCELLED, UNKNOWN }

    record Job(String name, State state, int attempts, long millis) {
        Job { if (attempts < 0) throw new IllegalArgumentException("attempts"); }
    }
}

interface Store { void put(String name, byte[] bytes) throws java.io.IOException; byte[] get(String name); }
