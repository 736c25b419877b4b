#include "storage/wal/wal_tailer.h"

#include <algorithm>
#include <utility>

namespace troupe::storage {
namespace {

/// Leaves out what lies before the start.
class from_sequence final : public wal_sink {
 public:
  from_sequence(wal_sink& sink, const wal_tailer::start& from) : sink_(sink), from_(from) {}
  status apply(const wal_batch& batch) override {
    bool early = batch.epoch < from_.epoch ||
                 (batch.epoch == from_.epoch && from_.stream != wal_tailer::every_stream &&
                  batch.sequence < from_.sequence);
    return early ? status() : sink_.apply(batch);
  }

 private:
  wal_sink& sink_;
  const wal_tailer::start& from_;
};

uint64_t next_sequence(const segment_header& header, uint16_t stream) {
  for (auto [slot, next] : header.next_sequences)
    if (slot == stream)
      return next;
  return 1;
}

}  // namespace

wal_tailer::wal_tailer(wal_directory& dir, start from, std::string hold_name,
                       uint64_t hold_limit_bytes)
    : dir_(dir),
      from_(from),
      hold_name_(std::move(hold_name)),
      hold_limit_bytes_(hold_limit_bytes) {}

wal_tailer::~wal_tailer() = default;

result<std::unique_ptr<wal_tailer>> wal_tailer::open(wal_directory& dir, uint32_t shard, start from,
                                                     std::string hold_name,
                                                     uint64_t hold_limit_bytes) {
  std::bitset<slot_count> slots;
  for (uint32_t s = shard; s < slot_count; s += dir.settings().shards)
    if (from.stream == every_stream || from.stream == s)
      slots.set(s);
  if (slots.none())
    return {errc::invalid_argument, "the stream belongs to another shard"};
  std::unique_ptr<wal_tailer> t(new wal_tailer(dir, from, std::move(hold_name), hold_limit_bytes));
  if (!t->hold_name_.empty()) {
    // Before looking: nothing may go in between.
    wal_hold hold{t->hold_name_, 0, {from.epoch, 0, 0}, hold_limit_bytes, false};
    TROUPE_TRY(dir.set_hold(hold));
  }
  wal_position at{from.epoch, from.segment, 0};
  if (from.stream != every_stream)
    at = t->locate(from.stream);
  TROUPE_ASSIGN(t->reader_, wal_reader::open_tail(dir, shard, slots, at));
  return t;
}

wal_position wal_tailer::locate(uint16_t stream) const {
  wal_position at{from_.epoch, 0, 0};
  auto found = dir_.list();
  if (!found.ok())
    return at;
  for (const auto& name : found->files) {
    if (name.epoch != from_.epoch || name.kind != wal_file_kind::segment || !name.covers(stream))
      continue;
    auto header = dir_.read_header(dir_.path_of(name));
    if (header.ok() && next_sequence(*header, stream) <= from_.sequence)
      at.segment = std::max(at.segment, name.number);
  }
  return at;
}

wal_position wal_tailer::position() const {
  auto file = reader_->file();
  return {file.epoch, file.number, reader_->offset()};
}

status wal_tailer::move_hold() {
  auto file = reader_->file();
  if (hold_name_.empty() || file.kind != wal_file_kind::segment || file == held_)
    return {};
  TROUPE_TRY(dir_.set_hold(
      {hold_name_, file.shard, {file.epoch, file.number, 0}, hold_limit_bytes_, false}));
  held_ = file;
  return {};
}

result<bool> wal_tailer::step(wal_sink& sink, size_t budget_bytes) {
  from_sequence filter(sink, from_);
  TROUPE_ASSIGN(bool done, reader_->step(filter, budget_bytes));
  TROUPE_TRY(move_hold());
  return done;
}

}  // namespace troupe::storage
