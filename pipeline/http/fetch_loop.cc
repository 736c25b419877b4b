#include "pipeline/http/fetch_loop.h"

#include "pipeline/http/endpoint.h"
#include "pipeline/http/fetch_op.h"
#include "storage/base/clock.h"

#include <future>

namespace troupe::http {
namespace {

constexpr int64_t tick_ms = 40;
constexpr int64_t sweep_ns = 10'000'000'000;

status stopping() {
  return {errc::canceled, "the HTTP client is stopping"};
}

}  // namespace

fetch_loop::fetch_loop(fetch_loop_limits limits, std::shared_ptr<byte_budget> budget,
                       resolver& names, const clock& clk)
    : limits_(limits),
      budget_(std::move(budget)),
      names_(names),
      clock_(clk),
      wheel_(tick_ms * 1'000'000),
      pool_(limits.max_idle) {
  loop_.set_ticks(tick_ms, [this] { return tick(); });
}

fetch_loop::~fetch_loop() {
  stop();
}

void fetch_loop::start(const std::string& thread_name) {
  running_ = true;
  loop_.start(thread_name);
}

void fetch_loop::submit(std::vector<fetch_request> requests, fetcher::done_fn done) {
  std::unique_lock guard(gate_);
  if (!running_) {
    guard.unlock();
    std::vector<fetch_result> refused(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      refused[i].token = requests[i].token;
      refused[i].error = stopping();
    }
    return done(std::move(refused));
  }
  auto work = std::make_shared<std::vector<fetch_request>>(std::move(requests));
  loop_.post([this, work, done = std::move(done)]() mutable {
    auto batch = std::make_shared<fetch_batch>(fetch_batch{std::move(done), {}});
    for (auto& r : *work)
      begin(std::move(r), batch);
  });
}

void fetch_loop::begin(fetch_request request, const std::shared_ptr<fetch_batch>& batch) {
  auto op = std::make_shared<fetch_op>(*this, std::move(request), batch);
  op->place = ops_.insert(ops_.end(), op);
  loop_.arm_ticks();
  op->start();
}

void fetch_loop::complete(fetch_op& op, fetch_result result) {
  wheel_.remove(op.deadline);
  auto batch = op.batch();
  if (batch->ready.empty())
    dirty_.push_back(batch);
  batch->ready.push_back(std::move(result));
  // The operation may be on the call stack: it goes when the next one is finished.
  finished_ = std::move(*op.place);
  ops_.erase(op.place);
  if (!op.patient() && !flush_posted_) {
    flush_posted_ = true;
    loop_.post([this] { flush(); });
  }
}

void fetch_loop::flush() {
  flush_posted_ = false;
  finished_.reset();
  auto batches = std::move(dirty_);
  dirty_.clear();
  for (auto& batch : batches) {
    auto ready = std::move(batch->ready);
    batch->ready.clear();
    batch->done(std::move(ready));
  }
}

bool fetch_loop::tick() {
  int64_t now = clock_.monotonic_ns();
  while (auto* e = wheel_.expire(now))
    static_cast<fetch_op*>(e->owner)->on_deadline(now);
  if (now >= next_sweep_ns_) {
    next_sweep_ns_ = now + sweep_ns;
    open_ -= pool_.expire(now - limits_.idle_timeout_ms * 1'000'000);
    counters_.open = open_;
    counters_.idle = pool_.size();
  }
  if (!dirty_.empty() && !flush_posted_)
    flush();
  return !ops_.empty() || pool_.size() > 0;
}

std::unique_ptr<client_connection> fetch_loop::checkout(fetch_op& op, bool fresh) {
  op.reused_ = false;
  if (!fresh) {
    if (auto c = pool_.take(op.to().pool_key())) {
      op.reused_ = true;
      ++counters_.reused;
      counters_.idle = pool_.size();
      return c;
    }
  }
  if (open_ >= limits_.max_open) {
    if (!pool_.evict_farthest()) {
      waiting_.push_back(op.weak_from_this());
      ++counters_.waiting;
      return nullptr;
    }
    --open_;
    ++counters_.evicted;
  }
  ++open_;
  counters_.open = open_;
  return std::make_unique<client_connection>(loop_, buffers_, op.to().pool_key());
}

void fetch_loop::checkin(std::unique_ptr<client_connection> c, int64_t next_use_ns) {
  int64_t now = clock_.monotonic_ns();
  if (next_use_ns - now > limits_.idle_timeout_ms * 1'000'000 || limits_.max_idle == 0)
    return discard(std::move(c));
  size_t closed = pool_.put(std::move(c), next_use_ns, now);
  open_ -= closed;
  counters_.evicted += closed;
  counters_.open = open_;
  counters_.idle = pool_.size();
  if (!waiting_.empty())
    start_waiting();
}

void fetch_loop::discard(std::unique_ptr<client_connection> c) {
  if (!c)
    return;
  c->use_by(nullptr);
  c.reset();
  --open_;
  counters_.open = open_;
  if (!waiting_.empty())
    start_waiting();
}

void fetch_loop::start_waiting() {
  // Posted, so that whoever gave the connection back can finish first.
  auto next = std::move(waiting_.front());
  waiting_.pop_front();
  loop_.post([this, next] {
    auto op = next.lock();
    if (op && op->deadline.set())
      op->proceed();
    else if (!waiting_.empty())
      start_waiting();
  });
}

void fetch_loop::shut_down() {
  while (!ops_.empty())
    ops_.front()->fail(stopping());
  waiting_.clear();
  open_ -= pool_.size();
  pool_.clear();
  flush();
}

void fetch_loop::stop() {
  std::promise<void> down;
  {
    std::lock_guard guard(gate_);
    if (!running_)
      return;
    running_ = false;
    // Posted work is run in order: what was submitted before is failed, not forgotten.
    loop_.post([&] {
      shut_down();
      down.set_value();
    });
  }
  down.get_future().wait();
  loop_.stop();
}

}  // namespace troupe::http
