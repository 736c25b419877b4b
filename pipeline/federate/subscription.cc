#include "pipeline/federate/subscription.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/base/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe::federate {
namespace {

const logger in_log("federation");

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t least_pause_ms = 250, most_pause_ms = 5'000;
/// After an answer that will be the same unless somebody changes something.
constexpr int64_t refused_pause_ms = 30'000;
constexpr uint64_t most_cursor_bytes = 1 << 20;

// The file: u32 crc32c of the rest, the cursor.
std::string cursor_file(std::string_view cursor) {
  std::string out;
  put_u32(out, crc32c(cursor, 0));
  out += cursor;
  return out;
}

std::string_view to_text(stream_start start) {
  switch (start) {
    case stream_start::goes_on:
      return "goes on";
    case stream_start::anew:
      return "begins with all that the source's log has";
    case stream_start::other_data:
      return "begins anew: the source is on other data than before";
    case stream_start::unreadable:
      return "begins anew: the source cannot read the place that was reached";
  }
  return "";
}

}  // namespace

subscription::figures::figures(registry& r, const std::string& name)
    : samples(r.get_counter("troupe_federation_samples_total",
                            "Samples, histograms and exemplars received and stored.",
                            {{"subscription", name}})),
      refused(r.get_counter("troupe_federation_samples_refused_total",
                            "Samples received that the storage refuses.",
                            {{"subscription", name}})),
      bytes(r.get_counter("troupe_federation_bytes_total", "Bytes of samples received, expanded.",
                          {{"subscription", name}})),
      errors(r.get_counter("troupe_federation_errors_total",
                           "Requests that failed, and portions that could not be stored yet.",
                           {{"subscription", name}})),
      gaps(r.get_counter("troupe_federation_gaps_total",
                         "Times that the source's log was gone before it was handed over.",
                         {{"subscription", name}})),
      gap_seconds(r.get_counter("troupe_federation_gap_seconds_total",
                                "Seconds of which samples may be missing for that.",
                                {{"subscription", name}})),
      damaged(r.get_counter("troupe_federation_damaged_samples_total",
                            "Samples that damage of the source's log has taken.",
                            {{"subscription", name}})),
      restarts(r.get_counter("troupe_federation_restarts_total",
                             "Times that all of the source's log was asked for, the first time "
                             "included.",
                             {{"subscription", name}})),
      lag_seconds(r.get_gauge("troupe_federation_lag_seconds",
                              "How long the oldest sample that is not stored here has been in the "
                              "source's log, or since when the source does not answer.",
                              {{"subscription", name}})) {}

subscription::subscription(const config::federation_config& config, subscription_parts parts,
                           int64_t now_ns)
    : name_(config.name),
      parts_(std::move(parts)),
      metrics_(*parts_.metrics, name_),
      told_ns_(now_ns) {
  request_.subscription = name_at_source();
  request_.selectors = config.match;
  request_.labels = config.labels;
  request_.keep_bytes = config.keep_bytes;
  request_.wait_ms = wait_ms;
  load_cursor();
}

void subscription::load_cursor() {
  const auto bytes = read_file(*parts_.files, parts_.cursor_path, most_cursor_bytes);
  if (bytes.code() == errc::not_found)
    return;
  if (bytes.ok() && bytes->size() > sizeof(uint32_t)) {
    const auto cursor = std::string_view(*bytes).substr(sizeof(uint32_t));
    if (*bytes == cursor_file(cursor)) {
      request_.cursor = cursor;
      return;
    }
  }
  in_log.error("{}: {} is damaged: all that the source's log has is asked for", name_,
               parts_.cursor_path);
}

status subscription::store_cursor() {
  if (answer_.cursor == request_.cursor)
    return {};
  TROUPE_TRY(write_file_atomically(*parts_.files, parts_.cursor_path, cursor_file(answer_.cursor)));
  request_.cursor = answer_.cursor;
  return {};
}

std::optional<stream_request> subscription::step(int64_t now_ns) {
  // A request that waits at the source has nothing to tell: only failures and pauses let the lag
  // grow.
  const int64_t silent_ms = last_error_.empty() && !paused_ ? 0 : (now_ns - told_ns_) / ns_per_ms;
  metrics_.lag_seconds.set(static_cast<double>(lag_ms_ + silent_ms) / 1000);
  if (state_ != state::resting || stopping_ || paused_ || now_ns < next_ns_)
    return std::nullopt;
  state_ = state::asking;
  return request_;
}

void subscription::fail(std::string why, int64_t now_ns, bool for_good) {
  metrics_.errors.add();
  if (why != last_error_)
    in_log.error("{}: {}", name_, why);
  last_error_ = std::move(why);
  state_ = state::resting;
  pause_ms_ =
      for_good ? refused_pause_ms : std::clamp(pause_ms_ * 2, least_pause_ms, most_pause_ms);
  next_ns_ = now_ns + pause_ms_ * ns_per_ms;
}

std::vector<batch_ptr> subscription::on_answer(stream_answer got, int64_t now_ns) {
  if (paused_) {
    state_ = state::resting;
    return {};
  }
  if (!got.error.ok()) {
    fail(std::string(got.error.message()), now_ns, got.error.code() == errc::invalid_argument);
    return {};
  }
  answer_ = std::move(got);
  decoded_ = {};
  if (!answer_.body.empty()) {
    const remote::write_limits limits{.taken_over = true};
    auto decoded = remote::decode_write_v2(answer_.body, *parts_.known, limits);
    if (!decoded.ok()) {
      fail("what the source sent: " + std::string(decoded.error().message()), now_ns);
      return {};
    }
    decoded_ = std::move(*decoded);
    metrics_.bytes.add(static_cast<double>(answer_.body.size()));
    answer_.body = {};
  }
  auto batches = std::exchange(decoded_.batches, {});
  if (batches.empty())
    finish(now_ns);
  else
    state_ = state::storing;
  return batches;
}

void subscription::on_stored(const std::vector<ingest::outcome>& outcomes, int64_t now_ns) {
  storage::append_report sum;
  for (const auto& o : outcomes) {
    // What a source has stored can only be refused for reasons that pass.
    if (!o.error.ok())
      return fail("cannot store: " + std::string(o.error.message()), now_ns);
    sum += o.report;
  }
  metrics_.samples.add(static_cast<double>(sum.accepted + sum.accepted_exemplars));
  const uint64_t refused = sum.refused() + sum.refused_exemplars + decoded_.refused_count();
  metrics_.refused.add(static_cast<double>(refused));
  if (refused != 0 && !std::exchange(refusing_, true))
    in_log.warn(
        "{}: the storage refuses samples: they are too old, too far ahead of the clock, or "
        "of series beyond a limit",
        name_);
  refusing_ = refused != 0;
  parts_.known->metadata().note(decoded_.metadata);
  finish(now_ns);
}

// All of the answer is stored.
void subscription::finish(int64_t now_ns) {
  if (const status s = store_cursor(); !s.ok())
    return fail("cannot write down the place that was reached: " + std::string(s.message()),
                now_ns);
  note(answer_);
  progress_ = lag_ms_ = answer_.lag_ms;
  told_ns_ = now_ns;
  last_error_.clear();
  pause_ms_ = 0;
  next_ns_ = now_ns;
  state_ = state::resting;
}

void subscription::note(const stream_answer& got) {
  metrics_.damaged.add(static_cast<double>(got.damaged));
  if (got.start != stream_start::goes_on) {
    metrics_.restarts.add();
    if (got.start == stream_start::anew)
      in_log.info("{} {}", name_, to_text(got.start));
    else
      in_log.error("{} {}", name_, to_text(got.start));
  }
  if (!got.gap)
    return;
  metrics_.gaps.add();
  metrics_.gap_seconds.add(static_cast<double>(got.gap->to - got.gap->from) / 1000);
  in_log.error(
      "{}: samples from {} to {} ms may be missing: the source's log of that time, {} "
      "segments or more, is gone; a larger `keep` lasts longer",
      name_, got.gap->from, got.gap->to, got.gap->segments);
}

}  // namespace troupe::federate
