#include "pipeline/topics/bodies_session.h"

#include "storage/base/log.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe::topics {
namespace {

const logger out_log("publish");

constexpr int64_t ns_per_ms = 1'000'000;
/// Of a record.
constexpr size_t most_entries = 4'000;
/// That wait or are under way.
constexpr size_t most_waiting = 60'000;

send::lane_options lane_options_of(const session_options& o, remote::write_protocol p) {
  return {o.histograms, o.exemplars, p == remote::write_protocol::v2, o.age_limit_ms};
}

// The first `n` entries; they are taken out of `from`.
send::portion split_off(send::portion& from, size_t n) {
  send::portion out;
  out.slot = from.slot;
  const auto end = from.entries.begin() + static_cast<ptrdiff_t>(n);
  out.entries.assign(std::make_move_iterator(from.entries.begin()), std::make_move_iterator(end));
  from.entries.erase(from.entries.begin(), end);
  return out;
}

}  // namespace

bodies_session::bodies_session(const session_parts& parts, const session_options& options,
                               remote::write_protocol protocol, send::stretch from)
    : parts_(parts),
      options_(options),
      lane_(*parts.log, std::move(from), parts.rules, lane_options_of(options, protocol)),
      encoder_(protocol) {}

size_t bodies_session::body::entries() const {
  size_t n = 0;
  for (const auto& p : parts)
    n += p.entries.size();
  return n;
}

uint64_t bodies_session::body::samples() const {
  uint64_t n = 0;
  for (const auto& p : parts)
    for (const auto& e : p.entries)
      n += e.kind != send::entry_kind::exemplar;
  return n;
}

void bodies_session::body::add(const std::shared_ptr<taken>& from, send::portion part) {
  ++from->records;
  of.push_back(from);
  parts.push_back(std::move(part));
}

bool bodies_session::is_full() const {
  return !unsent_.empty() || parts_.to->queued_bytes() >= options_.most_queued;
}

bool bodies_session::is_due(int64_t now_ns) const {
  if (lane_.ready() == 0)
    return false;
  return stopping_ || lane_.ready() >= most_entries || lane_.waiting() >= most_waiting ||
         now_ns - lane_.oldest_ready_ns() >= options_.gather_ms * ns_per_ms;
}

result<bool> bodies_session::step(int slices, const moment& now) {
  TROUPE_TRY(hand_over(now));
  for (int i = 0;; ++i) {
    bool more = false;
    if (i < slices && !stopping_ && lane_.waiting() < most_waiting) {
      TROUPE_ASSIGN(more, lane_.read(most_waiting, session::slice_bytes, now.ms, now.ns));
      parts_.described->add(lane_.take_described());
      count_drops();
    }
    while (!is_full() && is_due(now.ns)) {
      make_records();
      TROUPE_TRY(hand_over(now));
    }
    if (!more || is_full())
      return false;
    if (i + 1 >= slices)
      return true;
  }
}

void bodies_session::count_drops() {
  const send::lane_drops& all = lane_.drops();
  const uint64_t too_old = all.too_old.samples + all.too_old.histograms;
  parts_.metrics->damaged.add(
      static_cast<double>(all.damaged - std::exchange(damaged_, all.damaged)));
  parts_.metrics->too_old.add(static_cast<double>(too_old - std::exchange(too_old_, too_old)));
}

void bodies_session::make_records() {
  std::map<uint32_t, body> made;
  for (auto& p : lane_.take(most_entries)) {
    const uint32_t partition = p.slot % parts_.partitions;
    auto from = std::make_shared<taken>();
    send::portion part;
    part.slot = p.slot;
    part.entries = std::move(p.entries);
    from->whole = std::move(p);
    made[partition].add(from, std::move(part));
  }
  for (auto& [partition, b] : made) {
    b.partition = partition;
    unsent_.push_back(std::move(b));
  }
}

status bodies_session::hand_over(const moment& now) {
  while (!unsent_.empty()) {
    body& b = unsent_.front();
    if (b.payload.empty())
      b.payload = encoder_.encode(b.parts, *parts_.described);
    b.bytes = b.payload.size();
    const status s = parts_.to->produce({b.partition, b.payload, now.ms, next_token_});
    if (s.code() == errc::resource_exhausted)
      return {};
    body handed = std::move(b);
    unsent_.pop_front();
    handed.payload = std::string();
    if (s.code() == errc::invalid_argument) {
      halve(std::move(handed));
      continue;
    }
    TROUPE_TRY(s);
    sent_.emplace(next_token_++, std::move(handed));
  }
  return {};
}

status bodies_session::on_delivery(const kafka::delivery& d) {
  auto of = sent_.extract(d.token);
  if (of.empty())
    return {errc::internal, "a delivery of another record than was sent"};
  body& b = of.mapped();
  if (d.error.code() == errc::invalid_argument) {
    halve(std::move(b));
    return {};
  }
  TROUPE_TRY(d.error);
  parts_.metrics->samples.add(static_cast<double>(b.samples()));
  parts_.metrics->records.add();
  parts_.metrics->bytes.add(static_cast<double>(b.bytes));
  finish(b);
  return {};
}

void bodies_session::halve(body b) {
  const size_t n = b.entries();
  if (n == 1) {
    parts_.metrics->too_large.add(static_cast<double>(b.samples()));
    out_log.error(
        "a sample is left out: alone it makes a record of {} bytes, which the topic refuses",
        b.bytes);
    return finish(b);
  }
  body first, second;
  first.partition = second.partition = b.partition;
  size_t left = n / 2;
  for (size_t i = 0; i < b.parts.size(); ++i) {
    send::portion& p = b.parts[i];
    --b.of[i]->records;
    if (left != 0) {
      const size_t taken_now = std::min(left, p.entries.size());
      left -= taken_now;
      first.add(b.of[i], split_off(p, taken_now));
    }
    if (!p.entries.empty())
      second.add(b.of[i], std::move(p));
  }
  unsent_.push_front(std::move(second));
  unsent_.push_front(std::move(first));
}

void bodies_session::finish(const body& b) {
  for (const auto& t : b.of)
    if (--t->records == 0) {
      lane_.settle(t->whole);
      moved_.push_back(t->whole.slot);
    }
}

std::vector<send::advance> bodies_session::take_moved() {
  for (const uint16_t slot : lane_.take_moved())
    moved_.push_back(slot);
  std::sort(moved_.begin(), moved_.end());
  moved_.erase(std::unique(moved_.begin(), moved_.end()), moved_.end());
  std::vector<send::advance> out;
  for (const uint16_t slot : std::exchange(moved_, {}))
    out.push_back({0, slot, lane_.next(slot)});
  return out;
}

uint64_t bodies_session::memory_bytes() const {
  uint64_t n = lane_.bytes();
  for (const auto& b : unsent_)
    n += b.payload.size();
  return n;
}

}  // namespace troupe::topics
