// frame_encoder: the life of group numbers, and what their references stand for.
#include "storage/wal/frame_encoder.h"

namespace troupe::storage {
namespace {

constexpr uint64_t garbage_allowance = 4096;

}  // namespace

void frame_encoder::close_group(const sender& s, group_state& g, encoded_frames& out) {
  if (!g.count.in_stream)
    return;
  slot_part part;
  part.group = &g;
  encode_section(part, true);
  frame_header header;
  header.salt = settings_.salt;
  header.epoch = settings_.epoch;
  header.ts = frame_ts_;
  header.tenant = s.tenant;
  header.stream = g.slot();
  header.sequence = ++next_sequence_[g.slot()];
  body_.clear();
  put_bytes(body_, {});
  body_.append(part.bytes);
  put_frame(header, body_, worth_packing(body_.size()), out.frames);
  ++out.count;
}

void frame_encoder::drop_group(sender& s, uint16_t slot) {
  auto it = s.groups.find(slot);
  removed_.emplace_back(&s, std::move(it->second));
  s.groups.erase(it);
  s.table.reset();
}

void frame_encoder::begin_segment(bool full, bool fresh, encoded_frames& out) {
  ++segment_;
  if (fresh) {
    ++generation_;
    described_ = 0;
  }
  if (!full)
    return;
  ++full_segments_;
  for (auto it = senders_.begin(); it != senders_.end();) {
    sender& s = *it->second;
    std::vector<uint16_t> idle;
    for (const auto& [slot, g] : s.groups) {
      g->clear_seen();
      if (full_segments_ - g->count.full_segment > 2)
        idle.push_back(slot);
    }
    for (uint16_t slot : idle) {
      close_group(s, *s.groups[slot], out);
      drop_group(s, slot);
    }
    bool unused = s.groups.empty() && idle.empty();
    if (unused)
      sender_index_.erase(it->first);
    it = unused ? senders_.erase(it) : std::next(it);
  }
}

bool frame_encoder::mostly_garbage() const {
  uint64_t seen = 0;
  for (const auto& [key, s] : senders_)
    for (const auto& [slot, g] : s->groups)
      seen += g->seen_count();
  return described_ > 2 * seen + garbage_allowance;
}

std::vector<wal_references> frame_encoder::references() const {
  std::vector<wal_references> out;
  for (const auto& [key, s] : senders_)
    for (const auto& [slot, g] : s->groups) {
      wal_references& r =
          out.emplace_back(wal_references{s->tenant, slot, g->number(), g->group(), {}});
      r.series.reserve(g->count.described);
      for (uint32_t i = 0; i < g->count.described; ++i)
        r.series.push_back(g->series(i));
    }
  return out;
}

void frame_encoder::close_groups(encoded_frames& out) {
  for (auto& [key, s] : senders_)
    for (auto& [slot, g] : s->groups)
      close_group(*s, *g, out);
}

}  // namespace troupe::storage
