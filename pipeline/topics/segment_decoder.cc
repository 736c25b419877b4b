#include "pipeline/topics/segment_decoder.h"

#include "storage/base/coding.h"
#include "storage/model/tenant.h"

#include <algorithm>

namespace troupe::topics {
namespace {

constexpr uint32_t dropped = UINT32_MAX;
constexpr size_t max_missed = 64;
// What all frames of a record may grow to.
constexpr uint64_t max_raw_bytes = 256u << 20;
// A table is made anew if so many series of it are more than twice of those in use.
constexpr size_t table_slack = 256;

status damaged(std::string_view why) {
  return {errc::corruption, "record of troupe: " + std::string(why)};
}

uint64_t raw_bytes(const storage::frame& f) {
  return f.packed ? byte_reader(f.stored_body).u32() : f.stored_body.size();
}

/// The frames of a record, if all of them are whole and of its segment.
result<std::vector<storage::frame>> split_frames(const record_header& header,
                                                 std::string_view frames) {
  std::vector<storage::frame> out;
  const uint32_t salt = segment_salt(header);
  uint64_t raw = 0;
  while (!frames.empty()) {
    storage::frame f;
    if (check_frame(frames, f) != storage::frame_state::intact || f.header.salt != salt ||
        f.header.epoch != header.session)
      return damaged("frame does not hold");
    if (f.header.version != storage::frame_version)
      return {errc::unsupported,
              "record of troupe: frame of version " + std::to_string(f.header.version)};
    if (f.header.kind != storage::frame_kind::stream &&
        f.header.kind != storage::frame_kind::envelope)
      return damaged("frame of another kind");
    raw += raw_bytes(f);
    if (raw > max_raw_bytes)
      return damaged("unpacked frames are longer than 256 MiB");
    frames.remove_prefix(f.length);
    out.push_back(f);
  }
  return out;
}

}  // namespace

segment_progress::place segment_progress::of(uint32_t index) const {
  if (index >= next_)
    return place::next;
  const bool is_missed = std::any_of(missed_.begin(), missed_.end(), [&](const auto& range) {
    return range.first <= index && index < range.second;
  });
  return is_missed ? place::missed : place::seen;
}

void segment_progress::advance(uint32_t index) {
  if (index > next_) {
    if (missed_.size() == max_missed)
      missed_.erase(missed_.begin());
    missed_.emplace_back(next_, index);
  }
  next_ = index + 1;
}

/// What the decoder gives goes on, or nowhere if it is stored already.
struct segment_decoder::sink final : storage::wal_sink {
  sink(segment_decoder& from, batch_list* to) : from_(from), to_(to) {}
  status apply(const storage::wal_batch& batch) override {
    if (to_ != nullptr)
      from_.take(batch, *to_);
    return {};
  }

 private:
  segment_decoder& from_;
  batch_list* const to_;
};

segment_decoder::segment_decoder(const send::series_rules& rules, table_book& tables,
                                 const memory& most)
    : rules_(rules), tables_(tables), decoder_(std::bitset<slot_count>().set(), report_) {
  decoder_.limit_memory(most.state_bytes, most.waiting_bytes);
}

status segment_decoder::apply(const record_header& header, std::string_view frames,
                              batch_list* into) {
  TROUPE_ASSIGN(const auto all, split_frames(header, frames));
  sink to(*this, into);
  status first;
  for (const auto& f : all) {
    status s = decoder_.apply(f, to);
    if (first.ok() && !s.ok())
      first = s.with_context("record of troupe");
  }
  return first;
}

void segment_decoder::end(batch_list* into) {
  sink to(*this, into);
  decoder_.end_run(to).ignore();
}

uint64_t segment_decoder::take_lost() {
  return report_.samples_lost - std::exchange(lost_told_, report_.samples_lost);
}

segment_decoder::bound& segment_decoder::bind(const storage::wal_batch& batch) {
  bound& t = bound_[{batch.tenant.data(), batch.group}];
  if (!t.table) {
    t.number = static_cast<uint32_t>(bound_.size());
    t.table = tables_.find_or_make(batch.tenant, batch.group);
  }
  return t;
}

uint32_t segment_decoder::position_of(bound& t, const storage::wal_batch& batch, uint32_t id) {
  auto& [table, position] = places_[id];
  if (table != t.number) {
    table = t.number;
    const labels& in = batch.series(id).lset;
    const labels out = rules_.keeps_all_as_is() ? in : rules_.apply(in);
    position = out.empty() ? dropped : t.table->position_of(out);
    t.series += position != dropped;
  }
  return position;
}

void segment_decoder::take_floats(bound& t, const storage::wal_batch& batch, write_batch& into) {
  auto start = batch.starts.begin();
  if (into.floats.empty())
    into.floats.reserve(batch.floats.size());
  for (uint32_t i = 0; i < batch.floats.size(); ++i) {
    const float_entry& e = batch.floats[i];
    const bool has_start = start != batch.starts.end() && start->index == i;
    if (const uint32_t position = position_of(t, batch, e.series); position != dropped) {
      if (has_start)
        into.starts.push_back({static_cast<uint32_t>(into.floats.size()), start->start_ts});
      into.floats.push_back({e.ts, e.value, position});
    }
    start += has_start;
  }
}

void segment_decoder::take(const storage::wal_batch& batch, batch_list& into) {
  const bool is_empty = batch.floats.empty() && batch.histograms.empty() &&
                        batch.exemplars.empty() && batch.metadata.empty();
  if (is_empty || is_own_tenant(batch.tenant))
    return;
  places_.resize(std::max(places_.size(), batch.dictionary->size()));
  bound& t = bind(batch);
  write_batch& out = into.batch_of(t.table);
  take_floats(t, batch, out);
  for (const auto& e : batch.histograms)
    if (const uint32_t position = position_of(t, batch, e.series); position != dropped)
      out.histograms.push_back({e.ts, e.start_ts, e.value, position});
  for (const auto& e : batch.exemplars)
    if (const uint32_t position = position_of(t, batch, e.series); position != dropped)
      out.exemplars.push_back({e.value, position});
  out.metadata.insert(out.metadata.end(), batch.metadata.begin(), batch.metadata.end());
}

std::vector<kept_table_ptr> segment_decoder::leave_tables() const {
  std::vector<kept_table_ptr> out;
  for (const auto& [key, t] : bound_) {
    if (t.table->size() > 2 * t.series + table_slack)
      tables_.retire(*t.table);
    else
      out.push_back(t.table);
  }
  return out;
}

uint64_t segment_decoder::memory_bytes() const {
  return sizeof *this + decoder_.memory_bytes() + places_.capacity() * sizeof(place) +
         bound_.size() * (sizeof(bound) + 64);
}

}  // namespace troupe::topics
