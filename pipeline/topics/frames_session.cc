#include "pipeline/topics/frames_session.h"

#include "storage/base/hash.h"
#include "storage/model/tenant.h"

#include <algorithm>
#include <utility>

namespace troupe::topics {
namespace {

using storage::wal_batch;

/// About what an entry takes in a record when its series is known.
constexpr size_t entry_bytes = 12;
constexpr int64_t count_ns = 1'000'000'000;

// A frame that was begun is sent as a whole: frames are what a place counts here.
send::stretch by_frames(send::stretch from) {
  for (auto& p : from.next)
    p.entry = 0;
  return from;
}

size_t bytes_of(const histogram& h) {
  return 32 + 4 * (h.positive_spans.size() + h.negative_spans.size()) +
         8 * (h.positive_buckets.size() + h.negative_buckets.size() + h.custom_bounds.size());
}

size_t bytes_of(const metadata_entry& m) {
  return entry_bytes + m.family.size() + m.value.unit.size() + m.value.help.size();
}

}  // namespace

/// Splits one batch of the log by partition, and where parts would make too large a record.
class frames_session::splitter {
 public:
  splitter(frames_session& to, uint32_t shard, const wal_batch& batch)
      : to_(to),
        batch_(batch),
        segment_(to.reading_[shard]),
        is_clear_(to.parts_.too_large->is_clear(batch.slot)),
        most_bytes_(to.parts_.too_large->record_bytes() / 2) {
    to_.book_.begin(shard, batch);
  }

  void run() {
    add_floats();
    for (const auto& h : batch_.histograms)
      if (part* p = part_of(h.series, bytes_of(*h.value)))
        p->made.batch.histograms.push_back({h.ts, h.start_ts, h.value, series_.position});
    for (const auto& e : batch_.exemplars)
      if (part* p = part_of(e.series, entry_bytes + e.value.lset.blob_size()))
        p->made.batch.exemplars.push_back({e.value, series_.position});
    for (const auto& m : batch_.metadata) {
      const send::place at = next_place();
      if (to_.book_.wants_family(m.family))
        if (part* p = part_in(batch_.slot % to_.parts_.partitions, at, bytes_of(m)))
          p->made.batch.metadata.push_back(m);
    }
    for (auto& [partition, p] : parts_)
      finish(partition, p);
  }

 private:
  struct part {
    batch_part made;
    size_t bytes = 0;
    uint32_t most = 0;  ///< entries, if it has a record of its own
  };

  void add_floats() {
    size_t start = 0;
    for (uint32_t i = 0; i < batch_.floats.size(); ++i) {
      const auto& f = batch_.floats[i];
      while (start < batch_.starts.size() && batch_.starts[start].index < i)
        ++start;
      part* p = part_of(f.series, entry_bytes);
      if (p == nullptr)
        continue;
      write_batch& out = p->made.batch;
      if (start < batch_.starts.size() && batch_.starts[start].index == i)
        out.starts.push_back(
            {static_cast<uint32_t>(out.floats.size()), batch_.starts[start].start_ts});
      out.floats.push_back({f.ts, f.value, series_.position});
    }
  }

  send::place next_place() { return {batch_.epoch, batch_.sequence, number_++}; }

  // Where the next entry goes; null if it is left out.
  part* part_of(uint32_t series, size_t bytes) {
    const send::place at = next_place();
    if (!to_.book_.find(series, series_))
      return nullptr;
    return part_in(series_.partition, at, bytes + series_.new_bytes);
  }

  part* part_in(uint32_t partition, const send::place& at, size_t bytes) {
    const oversize& known = *to_.parts_.too_large;
    if (!is_clear_ && known.is_left_out(batch_.slot, at))
      return nullptr;
    const uint32_t most = is_clear_ ? 0 : known.most_together(batch_.slot, at);
    part& p = slot_for(partition);
    entry_range* range = &p.made.entries;
    if (range->entries != 0 &&
        (p.bytes + bytes > most_bytes_ || p.most != most || (most != 0 && range->entries >= most)))
      finish(partition, p);
    if (range->entries == 0) {
      p.made.entries = {batch_.slot, at, at, 0};
      p.made.alone = most != 0;
      p.most = most;
    }
    range->last = at;
    ++range->entries;
    p.bytes += bytes;
    return &p;
  }

  // A batch mostly goes to one partition.
  part& slot_for(uint32_t partition) {
    for (auto& [of, p] : parts_)
      if (of == partition)
        return p;
    return parts_.emplace_back(partition, part()).second;
  }

  void finish(uint32_t partition, part& p) {
    if (p.made.entries.entries == 0)
      return;
    write_batch& out = p.made.batch;
    out.tenant = batch_.tenant;
    out.group = batch_.group;
    if (out.sample_count() + out.exemplars.size() != 0)
      out.table = to_.book_.table(partition);
    p.made.number = to_.places_.add(batch_.slot, segment_, batch_.ts);
    to_.partitions_[partition]->add(std::move(p.made));
    p = part();
  }

  frames_session& to_;
  const wal_batch& batch_;
  const storage::log_segment segment_;
  const bool is_clear_;
  const size_t most_bytes_;
  std::vector<std::pair<uint32_t, part>> parts_;
  destined series_;
  uint32_t number_ = 0;
};

frames_session::frames_session(const session_parts& parts, const session_options& options,
                               send::stretch from)
    : parts_(parts),
      options_(options),
      places_(by_frames(from).next),
      follower_(*parts.log, by_frames(from)),
      book_(parts.rules, parts.partitions, parts.log->shard_count()),
      newest_(parts.log->shard_count(), min_time) {
  for (uint32_t i = 0; i < parts.partitions; ++i)
    partitions_.push_back(std::make_unique<partition_stream>(parts_, options_, i, places_));
}

frames_session::~frames_session() = default;

bool frames_session::is_blocked() const {
  return parts_.to->queued_bytes() >= options_.most_queued ||
         std::any_of(partitions_.begin(), partitions_.end(),
                     [](const auto& p) { return p->is_blocked(); });
}

size_t frames_session::under_way() const {
  size_t n = 0;
  for (const auto& p : partitions_)
    n += p->under_way();
  return n;
}

bool frames_session::is_idle() const {
  return std::all_of(partitions_.begin(), partitions_.end(),
                     [](const auto& p) { return p->is_idle(); });
}

void frames_session::begin_segments(const moment& now) {
  for (uint32_t i = 0; i < partitions_.size(); ++i)
    if (partitions_[i]->begin_segment(now)) {
      book_.forget(i);
      describe_families(i);
      if (i == 0)
        parts_.too_large->relax();
    }
}

// Each family in one partition.
void frames_session::describe_families(uint32_t partition) {
  const size_t most_bytes = parts_.too_large->record_bytes() / 2;
  batch_part part;
  part.of_log = false;
  size_t bytes = 0;
  for (const auto& [family, m] : parts_.described->all()) {
    if (xxh3(family) % parts_.partitions != partition || !book_.wants_family(family))
      continue;
    metadata_entry e{family, m};
    if (bytes_of(e) > most_bytes)
      continue;
    if (bytes + bytes_of(e) > most_bytes) {
      partitions_[partition]->add(part);
      part.batch.metadata.clear();
      bytes = 0;
    }
    bytes += bytes_of(e);
    part.batch.metadata.push_back(std::move(e));
  }
  if (!part.batch.metadata.empty())
    partitions_[partition]->add(std::move(part));
}

status frames_session::pump(const moment& now) {
  for (auto& p : partitions_) {
    TROUPE_TRY(p->pump(as_of_, stopping_, now));
    spoilt_ = spoilt_ || p->is_spoilt();
  }
  return {};
}

result<bool> frames_session::step(int slices, const moment& now) {
  if (spoilt_)
    return false;
  count_memory(now);
  if (!stopping_)
    begin_segments(now);
  TROUPE_TRY(pump(now));
  for (int i = 0; i < slices && !stopping_ && !spoilt_ && !is_blocked(); ++i) {
    TROUPE_TRY(read(now));
    TROUPE_TRY(pump(now));
    if (at_end_)
      return false;
    if (i + 1 == slices)
      return true;
  }
  at_end_ = false;
  return false;
}

status frames_session::read(const moment& now) {
  reading_ = follower_.at().from;
  TROUPE_ASSIGN(at_end_,
                follower_.read(session::slice_bytes, [&](uint32_t shard, const wal_batch& batch) {
                  newest_[shard] = std::max(newest_[shard], batch.ts);
                  if (batch.tenant.empty())
                    parts_.described->add(batch.metadata);
                  // What the node notes for itself is no other one's.
                  if (!is_own_tenant(batch.tenant))
                    splitter(*this, shard, batch).run();
                  places_.end_batch(batch.slot, follower_.next()[batch.slot]);
                }));
  const uint64_t lost = follower_.samples_lost();
  parts_.metrics->damaged.add(static_cast<double>(lost - std::exchange(damaged_, lost)));
  note_as_of(now);
  return {};
}

void frames_session::note_as_of(const moment& now) {
  const timestamp_ms read_up_to =
      at_end_ ? now.ms : *std::min_element(newest_.begin(), newest_.end());
  // Of times that are still to come nothing is known.
  if (read_up_to <= now.ms)
    as_of_ = std::max(as_of_, read_up_to);
}

status frames_session::on_delivery(const kafka::delivery& d) {
  if (d.partition >= partitions_.size())
    return {errc::internal, "a delivery of a partition that nothing was sent to"};
  const status s = partitions_[d.partition]->on_delivery(d);
  spoilt_ = spoilt_ || partitions_[d.partition]->is_spoilt();
  return s;
}

const send::stretch& frames_session::at() {
  at_ = follower_.at();
  at_.next = places_.next();
  const auto shards = static_cast<uint32_t>(at_.from.size());
  for (uint32_t i = 0; i < shards; ++i)
    at_.from[i] = places_.oldest(i, shards, at_.from[i]);
  return at_;
}

std::vector<send::advance> frames_session::take_moved() {
  auto out = places_.take_moved();
  for (const auto& step : out)
    parts_.too_large->passed(step.slot, step.next);
  return out;
}

// Counting goes through all senders: not in every step.
void frames_session::count_memory(const moment& now) {
  if (now.ns < next_count_ns_)
    return;
  next_count_ns_ = now.ns + count_ns;
  writers_memory_ = 0;
  for (const auto& p : partitions_)
    writers_memory_ += p->writer_memory_bytes();
}

uint64_t frames_session::memory_bytes() const {
  uint64_t n = writers_memory_ + book_.memory_bytes() + places_.memory_bytes();
  for (const auto& p : partitions_)
    n += p->waiting_bytes();
  return n;
}

}  // namespace troupe::topics
