// Package queue holds waiting jobs.
package queue

import (
	"errors"
	"sync"
)

// Queue is a list of jobs.
type Queue[T any] struct {
	mu   sync.Mutex
	jobs []T
}

// Claim takes the oldest job.
func (q *Queue[T]) Claim() (T, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var job T
	if len(q.jobs) == 0 {
		return job, errors.New("the queue is empty")
	}
	job, q.jobs = q.jobs[0], q.jobs[1:]
	return job, nil
}

func New[T any](jobs ...T) *Queue[T] {
	return &Queue[T]{jobs: append([]T(nil), jobs...)}
}
