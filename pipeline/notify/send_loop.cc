#include "pipeline/notify/send_loop.h"

#include "pipeline/notify/alert_json.h"
#include "storage/base/log.h"

#include <algorithm>
#include <utility>

namespace troupe::notify {
namespace {

const logger out_log("notify");

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t first_backoff_ms = 1000, longest_backoff_ms = 30'000;
constexpr uint64_t max_answer_bytes = 1 << 20;
constexpr size_t shown_answer_bytes = 200;

// Failures of the way and of an overloaded server pass; a refused body would be refused again.
bool may_pass(const http::fetch_result& got) {
  return !got.error.ok() || got.code >= 500 || got.code == 429 || got.code == 408;
}

std::string reason(const http::fetch_result& got) {
  if (!got.error.ok())
    return std::string(got.error.message());
  auto text = "bad response status " + std::to_string(got.code);
  if (!got.body.empty())
    text += ": " + got.body.substr(0, shown_answer_bytes);
  return text;
}

}  // namespace

send_loop::send_loop(std::string url, http::endpoint_ptr to, send_options options,
                     send_figures figures)
    : url_(std::move(url)),
      to_(std::move(to)),
      options_(std::move(options)),
      figures_(figures),
      queue_(options_.queue_capacity) {}

void send_loop::push(const std::vector<alert_ptr>& alerts) {
  figures_.dropped.add(static_cast<double>(queue_.push(alerts)));
}

std::optional<http::fetch_request> send_loop::next_request(uint64_t token, int64_t now_ns) {
  if (token_ != 0 || queue_.empty() || now_ns < not_before_ns_)
    return std::nullopt;
  in_flight_ = queue_.take(options_.batch_size);
  token_ = token;
  http::fetch_request r;
  r.token = token;
  r.to = to_;
  r.method = "POST";
  r.header_fields = {{"Content-Type", "application/json"}};
  r.body = alerts_json(in_flight_);
  r.grants = options_.grants;
  r.timeout_ms = options_.timeout_ms;
  r.max_body_bytes = max_answer_bytes;
  return r;
}

bool send_loop::on_result(const http::fetch_result& got, int64_t now_ns) {
  if (token_ == 0 || got.token != token_)
    return false;
  token_ = 0;
  const auto batch = std::exchange(in_flight_, {});
  const auto count = static_cast<double>(batch.size());
  figures_.latency_seconds.observe(static_cast<double>(got.duration_ns) / 1e9);
  if (got.error.ok() && got.code / 100 == 2) {
    figures_.sent.add(count);
    backoff_ms_ = 0;
    last_error_.clear();
    return true;
  }
  figures_.errors.add(count);
  const auto why = reason(got);
  if (why != last_error_)
    out_log.error("{}: sending {} alerts failed: {}", url_, batch.size(), why);
  last_error_ = why;
  if (may_pass(got)) {
    figures_.dropped.add(static_cast<double>(queue_.put_back(batch)));
    retry_later(now_ns);
  } else {
    figures_.dropped.add(count);
  }
  return true;
}

void send_loop::retry_later(int64_t now_ns) {
  backoff_ms_ = backoff_ms_ == 0 ? first_backoff_ms : std::min(backoff_ms_ * 2, longest_backoff_ms);
  not_before_ns_ = now_ns + backoff_ms_ * ns_per_ms;
}

void send_loop::abandon() {
  figures_.dropped.add(static_cast<double>(release().size()));
}

std::vector<alert_ptr> send_loop::release() {
  token_ = 0;
  // Of what is in flight a newer state may wait; the queue keeps that one.
  (void)queue_.put_back(std::exchange(in_flight_, {}));
  return queue_.take(queue_.size());
}

}  // namespace troupe::notify
