#include "pipeline/topics/partition_stream.h"

#include "storage/base/fault_twin.h"
#include "storage/base/log.h"

#include <algorithm>
#include <utility>

namespace troupe::topics {
namespace {

const logger out_log("publish");

constexpr int64_t ns_per_ms = 1'000'000;

}  // namespace

partition_stream::partition_stream(const session_parts& parts, const session_options& options,
                                   uint32_t partition, stream_places& of)
    : parts_(parts),
      options_(options),
      partition_(partition),
      of_(of),
      writer_({parts.node, parts.number, partition, parts.partitions}) {}

bool partition_stream::segment_due(const moment& now) const {
  return !begun_ || now.ms - segment_began_ms_ >= options_.key_interval_ms ||
         writer_.segment_bytes() > options_.segment_bytes;
}

bool partition_stream::begin_segment(const moment& now) {
  if (!segment_due(now) || open_parts_ != 0 || is_blocked() || !may_end_record())
    return false;
  writer_.begin_segment();
  begun_ = true;
  key_offset_ = -1;
  segment_began_ms_ = now.ms;
  return true;
}

bool partition_stream::record_due(bool all, const moment& now) const {
  // Without anything in it a record still tells that nothing is missing.
  if (open_parts_ == 0)
    return !all && waiting_.empty() && sent_.empty() &&
           now.ns - last_record_ns_ >= options_.heartbeat_ms * ns_per_ms;
  if (writer_.bytes() >= parts_.too_large->record_bytes() || open_alone_)
    return true;
  if (!waiting_.empty())
    return waiting_.front().alone;
  return all || segment_due(now) || now.ns - opened_ns_ >= options_.gather_ms * ns_per_ms;
}

status partition_stream::pump(timestamp_ms as_of, bool all, const moment& now) {
  if (unsent_)
    TROUPE_TRY(hand_over(now));
  while (!unsent_ && !spoilt_) {
    if (record_due(all, now)) {
      if (!may_end_record())
        break;
      TROUPE_TRY(end_record(as_of, now));
    } else if (!waiting_.empty()) {
      TROUPE_TRY(add_front(now));
    } else {
      break;
    }
  }
  return {};
}

status partition_stream::add_front(const moment& now) {
  batch_part part = std::move(waiting_.front());
  waiting_.pop_front();
  if (const status s = writer_.add(part.batch); s.code() == errc::invalid_argument) {
    out_log.error("samples are left out: {}", s.message());
    parts_.metrics->too_large.add(static_cast<double>(part.batch.sample_count()));
    if (part.of_log)
      of_.done(part.entries.slot, part.number);
    return {};
  } else {
    TROUPE_TRY(s);
  }
  if (open_parts_++ == 0)
    opened_ns_ = now.ns;
  if (part.of_log)
    open_.push_back({part.entries, part.number});
  open_alone_ = part.alone;
  return {};
}

status partition_stream::end_record(timestamp_ms as_of, const moment& now) {
  // What waits was read before that time, too.
  if (waiting_.empty())
    as_of_ = std::max(as_of_, as_of);
  made_record r;
  r.token = next_token_++;
  r.is_key = writer_.at_segment_start();
  r.samples = writer_.samples();
  r.payload = writer_.take(r.is_key ? -1 : key_offset_, as_of_);
  r.bytes = r.payload.size();
  r.holds = std::move(open_);
  open_.clear();
  open_parts_ = 0;
  open_alone_ = false;
  last_record_ns_ = now.ns;
  unsent_ = std::move(r);
  return hand_over(now);
}

status partition_stream::hand_over(const moment& now) {
  const status s = parts_.to->produce({partition_, unsent_->payload, now.ms, unsent_->token});
  if (s.code() == errc::resource_exhausted)
    return {};
  made_record r = std::move(*unsent_);
  unsent_.reset();
  if (s.code() == errc::invalid_argument) {
    take_refusal(r);
    return {};
  }
  TROUPE_TRY(s);
  r.payload = std::string();
  if (!parts_.too_large->is_acceptable(r.bytes))
    trial_token_ = r.token;
  if (TROUPE_FAULT(cursor_before_delivery))
    pass(std::exchange(r.holds, {}));
  sent_.push_back(std::move(r));
  return {};
}

void partition_stream::pass(const std::vector<carried>& all) {
  for (const auto& c : all)
    of_.done(c.entries.slot, c.number);
}

void partition_stream::take_refusal(const made_record& r) {
  if (std::exchange(spoilt_, true))
    return;
  std::vector<entry_range> entries;
  for (const auto& c : r.holds)
    entries.push_back(c.entries);
  if (!parts_.too_large->refused(r.bytes, entries))
    return;
  parts_.metrics->too_large.add(static_cast<double>(r.samples));
  out_log.error(
      "a sample is left out: alone it makes a record of {} bytes, which the topic refuses",
      r.bytes);
}

status partition_stream::on_delivery(const kafka::delivery& d) {
  if (sent_.empty() || sent_.front().token != d.token)
    return {errc::internal, "a delivery of another record than was sent"};
  const made_record r = std::move(sent_.front());
  sent_.pop_front();
  if (d.error.code() == errc::invalid_argument) {
    take_refusal(r);
    return {};
  }
  TROUPE_TRY(d.error);
  if (d.offset <= last_offset_)
    return {errc::corruption, "the topic was made anew, or lost its end"};
  last_offset_ = d.offset;
  parts_.too_large->accepted(r.bytes);
  if (r.token == trial_token_)
    trial_token_ = 0;
  if (spoilt_)
    return {};
  if (r.is_key)
    key_offset_ = d.offset;
  pass(r.holds);
  parts_.metrics->samples.add(static_cast<double>(r.samples));
  parts_.metrics->records.add();
  parts_.metrics->bytes.add(static_cast<double>(r.bytes));
  return {};
}

uint64_t partition_stream::waiting_bytes() const {
  uint64_t n = writer_.bytes() + (unsent_ ? unsent_->bytes : 0);
  for (const auto& w : waiting_)
    n += w.batch.floats.size() * sizeof(float_entry) + sizeof w;
  return n;
}

}  // namespace troupe::topics
