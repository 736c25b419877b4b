// One I/O thread's share of the fetches: looks names up, connects, exchanges, follows redirects,
// watches deadlines and hands results out in batches. All but submit() and stop() runs on the loop.
#pragma once

#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/client_connection.h"
#include "pipeline/http/connection_pool.h"
#include "pipeline/http/deadline_wheel.h"
#include "pipeline/http/io_loop.h"
#include "pipeline/http/resolver.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::http {

struct fetch_loop_limits {
  size_t max_idle = 1024;
  size_t max_open = 4096;
  int64_t idle_timeout_ms = 300'000;
};

/// Counted by the loop, read by anyone.
struct fetch_counters {
  std::atomic<uint64_t> open{0};
  std::atomic<uint64_t> idle{0};
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> reused{0};
  std::atomic<uint64_t> evicted{0};
  std::atomic<uint64_t> waiting{0};  ///< for a descriptor
};

class fetch_op;

/// The fetches of one fetch() call that went to this loop, and where their results go.
struct fetch_batch {
  fetcher::done_fn done;
  std::vector<fetch_result> ready;
};

class fetch_loop {
 public:
  fetch_loop(fetch_loop_limits limits, std::shared_ptr<byte_budget> budget, resolver& names,
             const clock& clk);
  ~fetch_loop();

  void start(const std::string& thread_name);
  /// Any thread.
  void submit(std::vector<fetch_request> requests, fetcher::done_fn done);
  /// Any thread but the loop's: fails what is in flight, joins.
  void stop();
  const fetch_counters& counters() const { return counters_; }

 private:
  friend class fetch_op;

  void begin(fetch_request request, const std::shared_ptr<fetch_batch>& batch);
  /// Takes the result; the operation is gone afterwards.
  void complete(fetch_op& op, fetch_result result);
  void flush();
  bool tick();
  /// An idle connection, a new one, or null: then the operation waits for a descriptor.
  std::unique_ptr<client_connection> checkout(fetch_op& op, bool fresh);
  void checkin(std::unique_ptr<client_connection> c, int64_t next_use_ns);
  void discard(std::unique_ptr<client_connection> c);
  void start_waiting();
  void shut_down();

  const fetch_loop_limits limits_;
  const std::shared_ptr<byte_budget> budget_;
  resolver& names_;
  const clock& clock_;
  fetch_counters counters_;
  io_loop loop_;
  buffer_pool buffers_;
  deadline_wheel wheel_;
  connection_pool pool_;
  std::list<std::shared_ptr<fetch_op>> ops_;
  std::shared_ptr<fetch_op> finished_;  ///< the last one; may be on the call stack
  std::deque<std::weak_ptr<fetch_op>> waiting_;
  std::vector<std::shared_ptr<fetch_batch>> dirty_;
  std::string request_text_;  ///< of the request that is being made
  size_t open_ = 0;
  size_t next_address_ = 0;  ///< of fetches that take addresses in turn
  int64_t next_sweep_ns_ = 0;
  bool flush_posted_ = false;
  std::mutex gate_;  ///< guards running_, and the order of submit() and stop()
  bool running_ = false;
};

}  // namespace troupe::http
