#include <deque>

namespace warm {

/// Waiting jobs.
template <typename T>
class Queue {
public:
    explicit Queue(std::deque<T> jobs) : jobs_(std::move(jobs)) {}
    T &front() { return jobs_.front(); }
    std::optional<T> claim();

private:
    std::deque<T> jobs_;
};

template <typename T>
std::optional<T> Queue<T>::claim() {
    if (jobs_.empty()) return std::nullopt;
    T job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
}

enum class State { queued, running, done, dead, cancelled, unknown };

}  // namespace warm
