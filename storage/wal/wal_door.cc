#include "storage/wal/wal_door.h"

#include "storage/wal/wal_tailer.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace troupe::storage {
namespace {

class tail final : public log_tail {
 public:
  tail(std::unique_ptr<wal_tailer> of, uint32_t shards) : of_(std::move(of)), shards_(shards) {}
  result<bool> step(wal_sink& sink, size_t budget_bytes) override {
    return of_->step(sink, budget_bytes);
  }
  log_segment at() const override {
    // A run with other shards is read shard by shard: one's numbers say nothing of the next one.
    const wal_file_name file = of_->file();
    return {file.epoch, file.shards == shards_ ? file.number : 0};
  }
  uint64_t last_sequence(uint16_t stream) const override { return of_->last_sequence(stream); }
  uint64_t samples_lost() const override { return of_->report().samples_lost; }
  uint64_t segments_missing() const override {
    return of_->report().count(wal_loss::missing_segment);
  }

 private:
  std::unique_ptr<wal_tailer> of_;
  const uint32_t shards_;
};

/// Slots s with s % a_count == a and s % b_count == b exist.
bool share_slots(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count) {
  const uint32_t common = std::gcd(a_count, b_count);
  return a % common == b % common;
}

}  // namespace

result<std::unique_ptr<log_tail>> wal_door::follow(uint32_t shard, const log_segment& from) {
  wal_tailer::start start;
  start.epoch = from.epoch;
  start.segment = from.number;
  TROUPE_ASSIGN(auto made, wal_tailer::open(dir_, shard, start));
  return std::unique_ptr<log_tail>(std::make_unique<tail>(std::move(made), shard_count()));
}

log_segment wal_door::end(uint32_t shard) const {
  return {dir_.epoch(), std::max(dir_.board(shard).committed().segment, 1u)};
}

std::vector<wal_door::sized_segment> wal_door::segments(uint32_t shard) const {
  std::vector<sized_segment> out;
  const auto found = dir_.list();
  if (!found.ok())
    return out;
  const wal_position end = dir_.board(shard).committed();
  for (const auto& name : found->files) {
    if (name.kind != wal_file_kind::segment ||
        !share_slots(name.shard, name.shards, shard, shard_count()))
      continue;
    const log_segment at{name.epoch, name.number};
    // The file of the segment in work has reserved space behind its end.
    const bool in_work = at == log_segment{end.epoch, end.segment} && end.epoch == dir_.epoch();
    out.push_back(
        {at, in_work ? end.offset : dir_.settings().fs->file_size(dir_.path_of(name)).value_or(0)});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  return out;
}

uint64_t wal_door::bytes_since(uint32_t shard, const log_segment& from) const {
  uint64_t bytes = 0;
  for (const auto& s : segments(shard))
    if (s.at >= from)
      bytes += s.bytes;
  return bytes;
}

log_segment wal_door::oldest_within(uint32_t shard, uint64_t bytes) const {
  const auto all = segments(shard);
  log_segment out = end(shard);
  uint64_t sum = 0;
  for (auto s = all.rbegin(); s != all.rend(); ++s) {
    sum += s->bytes;
    if (sum > bytes)
      break;
    out = std::min(out, s->at);
  }
  return out;
}

status wal_door::hold(const std::string& name, uint32_t shard, const log_segment& from,
                      uint64_t limit_bytes) {
  // An earlier run may have had other shards: all of that run's from its first on.
  const auto reader = static_cast<uint16_t>(from.epoch == dir_.epoch() ? shard : 0);
  return dir_.set_hold({name, reader, {from.epoch, from.number, 0}, limit_bytes, false});
}

std::vector<std::string> wal_door::holds() const {
  std::vector<std::string> out;
  for (const auto& h : dir_.holds())
    out.push_back(h.name);
  return out;
}

}  // namespace troupe::storage
