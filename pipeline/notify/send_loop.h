// Sends alerts to one Alertmanager: one batch at a time, repeated until it is taken or refused for
// good. Makes requests and takes results; the caller does the fetching. One owner; times are passed
// in.
#pragma once

#include "pipeline/http/http.h"
#include "pipeline/notify/alert_queue.h"
#include "storage/base/stats.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::notify {

struct send_options {
  size_t queue_capacity = 10'000;  ///< --alertmanager.notification-queue-capacity
  size_t batch_size = 256;         ///< --alertmanager.notification-batch-size
  int64_t timeout_ms = 10'000;
  std::shared_ptr<const http::grant_source> grants;  ///< of all requests; null: none is needed
};

/// The figures of one Alertmanager, by its URL; `dropped` is that of the whole node.
struct send_figures {
  counter& sent;
  counter& errors;  ///< alerts in requests that failed
  counter& dropped;
  bucket_histogram& latency_seconds;
};

class send_loop {
 public:
  send_loop(std::string url, http::endpoint_ptr to, send_options options, send_figures figures);

  const std::string& url() const { return url_; }
  const http::endpoint_ptr& to() const { return to_; }
  size_t queued() const { return queue_.size() + in_flight_.size(); }
  bool idle() const { return queued() == 0; }

  void push(const std::vector<alert_ptr>& alerts);
  /// The next request, if there is one to make now; it carries `token`.
  std::optional<http::fetch_request> next_request(uint64_t token, int64_t now_ns);
  /// True if `got` answers the request in flight.
  bool on_result(const http::fetch_result& got, int64_t now_ns);
  /// Nothing more is sent; all that waits is counted as dropped.
  void abandon();
  /// Gives up all that waits, what is in flight first, so that another loop may send it.
  std::vector<alert_ptr> release();
  /// Why the last request failed; "" after a success.
  const std::string& last_error() const { return last_error_; }

 private:
  void retry_later(int64_t now_ns);

  std::string url_;
  http::endpoint_ptr to_;
  send_options options_;
  send_figures figures_;
  alert_queue queue_;
  std::vector<alert_ptr> in_flight_;
  uint64_t token_ = 0;  ///< of the request in flight, or 0
  int64_t not_before_ns_ = 0;
  int64_t backoff_ms_ = 0;
  std::string last_error_;
};

}  // namespace troupe::notify
