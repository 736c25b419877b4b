#include "storage/wal/frame_encoder.h"

#include "storage/base/check.h"
#include "storage/base/fault_twin.h"
#include "storage/wal/decimal_step.h"

#include <algorithm>
#include <bit>

namespace troupe::storage {
namespace {

constexpr size_t max_text_bytes = 1u << 20;
constexpr size_t max_chunk_bytes = 16u << 20;
constexpr size_t bytes_per_float = 24;
/// Floats that are taken at once: between two of them a frame may end.
constexpr size_t max_run = 4096;
constexpr size_t min_packed_bytes = 256;
constexpr unsigned packing_retry = 16;
// A group number with more series is given up, so that a key frame stays far below the largest
// frame.
constexpr size_t max_group_series = 1u << 20;
// So much memory is kept from frame to frame.
constexpr size_t kept_floats = 8u << 10;
constexpr size_t kept_bytes = 64u << 10;

// How many series at the start of both tables are the same, by object: packed labels have one each.
uint32_t common_prefix(const series_table* a, const series_table* b) {
  const size_t n = a && b ? std::min(a->series.size(), b->series.size()) : 0;
  uint32_t i = 0;
  while (i < n && a->series[i].same_object(b->series[i]))
    ++i;
  return i;
}

void clear_buffer(std::string& s) {
  if (s.capacity() > kept_bytes)
    s = std::string();
  s.clear();
}

/// Walks a sorted list of refused positions beside an ascending index.
class skip_list {
 public:
  explicit skip_list(std::span<const uint32_t> refused) : refused_(refused) {}
  bool skips(uint32_t i) {
    while (next_ < refused_.size() && refused_[next_] < i)
      ++next_;
    return next_ < refused_.size() && refused_[next_] == i;
  }

 private:
  std::span<const uint32_t> refused_;
  size_t next_ = 0;
};

}  // namespace

void encoded_frames::clear() {
  frames.clear();
  dictionary.clear();
  count = 0;
}

void frame_encoder::slot_part::clear() {
  group = nullptr;
  if (floats.index.capacity() > kept_floats)
    floats = float_columns();
  floats.clear();
  starts.clear();
  histograms.clear();
  exemplars.clear();
  metadata.clear();
  tombstones.clear();
  clear_buffer(bytes);
  clear_buffer(dictionary_bytes);
}

// --- batches ---

status frame_encoder::check_batch(const write_batch& batch) const {
  if (batch.tenant.size() > max_tenant_bytes)
    return {errc::invalid_argument, "tenant is longer than 255 bytes"};
  if (batch.source_position.size() > max_text_bytes)
    return {errc::invalid_argument, "source position is longer than 1 MiB"};
  size_t series = batch.table ? batch.table->series.size() : 0;
  auto known = [&](const auto& entry) { return entry.series < series; };
  if (!std::all_of(batch.floats.begin(), batch.floats.end(), known) ||
      !std::all_of(batch.histograms.begin(), batch.histograms.end(), known) ||
      !std::all_of(batch.exemplars.begin(), batch.exemplars.end(), known))
    return {errc::invalid_argument, "batch names a series outside of its table"};
  for (const auto& e : batch.histograms) {
    const histogram& h = *e.value;
    size_t n = h.positive_buckets.size() + h.negative_buckets.size() + h.custom_bounds.size() +
               h.positive_spans.size() + h.negative_spans.size();
    if (n > max_text_bytes)
      return {errc::invalid_argument, "histogram has more than 1 Mi buckets"};
  }
  for (const auto& e : batch.exemplars)
    if (e.value.lset.blob_size() > max_text_bytes)
      return {errc::invalid_argument, "exemplar labels are longer than 1 MiB"};
  for (const auto& m : batch.metadata)
    if (m.family.size() + m.value.unit.size() + m.value.help.size() > max_text_bytes)
      return {errc::invalid_argument, "metadata of a family is longer than 1 MiB"};
  auto it = sender_index_.find({batch.group, batch.tenant});
  if (series == 0 || (it != sender_index_.end() && it->second->table == batch.table))
    return {};
  for (size_t i = 0; i < series; ++i) {
    if (batch.table->slot(i) % settings_.shards != settings_.shard)
      return {errc::invalid_argument, "series belongs to another shard"};
    if (batch.table->series[i].blob_size() > max_text_bytes)
      return {errc::invalid_argument, "label set is longer than 1 MiB"};
  }
  return {};
}

frame_encoder::sender& frame_encoder::find_sender(std::string_view tenant, uint64_t group) {
  if (auto it = sender_index_.find({group, tenant}); it != sender_index_.end())
    return *it->second;
  auto s = std::make_unique<sender>();
  s->tenant = tenant;
  s->group = group;
  sender_key key{group, s->tenant};
  sender_index_.emplace(key, s.get());
  return *senders_.emplace(key, std::move(s)).first->second;
}

void frame_encoder::bind_table(sender& s, const write_batch& batch, encoded_frames& out) {
  std::vector<uint16_t> outdated;
  for (const auto& [slot, g] : s.groups)
    if (g->generation != generation_ || g->size() > max_group_series)
      outdated.push_back(slot);
  for (uint16_t slot : outdated) {
    close_group(s, *s.groups[slot], out);
    drop_group(s, slot);
  }
  if (s.table == batch.table && outdated.empty())
    return;
  const uint32_t kept = common_prefix(s.table.get(), batch.table.get());
  s.index.keep_below(kept);
  for (const auto& [slot, g] : s.groups)
    g->follow(s.table, batch.table, kept);
  s.table = batch.table;
}

uint16_t frame_encoder::home_slot(const write_batch& batch) const {
  if (batch.table && !batch.table->series.empty())
    return batch.table->slot(0);
  return static_cast<uint16_t>(settings_.shard);
}

frame_encoder::slot_part& frame_encoder::part_of(uint16_t slot) {
  if (part_of_[slot] == 0) {
    used_slots_.push_back(slot);
    part_of_[slot] = static_cast<uint16_t>(used_slots_.size());
    if (parts_.size() < used_slots_.size())
      parts_.emplace_back();
  }
  return used_part(slot);
}

frame_encoder::slot_part& frame_encoder::part_of(sender& s, uint16_t slot) {
  slot_part& part = part_of(slot);
  if (part.group == nullptr) {
    auto& g = s.groups[slot];
    if (!g) {
      g = std::make_unique<group_state>(next_group_number_[slot]++, s.group, slot);
      g->generation = generation_;
      created_.emplace_back(&s, slot);
    }
    part.group = g.get();
  }
  return part;
}

uint32_t frame_encoder::resolve(sender& s, slot_part& part, uint32_t position) {
  uint32_t index = s.index.find(position);
  if (index == position_map::none) {
    if (s.table->uniform_slot >= 0)
      part.group->reserve(s.table->series.size());
    index = part.group->find_or_add(s.table, position, journal_);
    s.index.add(position, index, s.table->series.size());
    chunk_bytes_ += s.table->series[position].blob_size();
  }
  return index;
}

// Adds floats that follow each other and belong to one slot.
void frame_encoder::add_run(sender& s, slot_part& part, std::span<const float_entry> run) {
  float_columns& f = part.floats;
  const size_t first = f.size(), end = first + run.size();
  f.index.resize(end);
  f.ts.resize(end);
  f.stale.resize(end);
  f.xors.resize(end);
  uint32_t* index = f.index.data() + first;
  timestamp_ms* ts = f.ts.data() + first;
  uint8_t* stale = f.stale.data() + first;
  uint64_t* bits = f.xors.data() + first;
  for (size_t i = 0; i < run.size(); ++i) {
    const float_entry& e = run[i];
    const uint32_t known = s.index.find(e.series);
    index[i] = known != position_map::none ? known : resolve(s, part, e.series);
    ts[i] = e.ts;
    bits[i] = std::bit_cast<uint64_t>(e.value);
    stale[i] = bits[i] == stale_nan_bits;
  }
  chunk_bytes_ += run.size() * bytes_per_float;
}

void frame_encoder::add_floats(sender& s, const write_batch& batch,
                               std::span<const uint32_t> refused, encoded_frames& out) {
  const std::span<const float_entry> floats = batch.floats;
  auto skip = refused.begin();
  auto start = batch.starts.begin();
  for (size_t i = 0, end = 0; i < floats.size(); i = end) {
    const size_t stop =
        std::min(i + max_run, skip == refused.end() ? floats.size() : static_cast<size_t>(*skip));
    const uint16_t slot = s.table->slot(floats[i].series);
    end = i;
    while (end < stop && s.table->slot(floats[end].series) == slot)
      ++end;
    if (end == i) {  // refused
      ++end;
      ++skip;
      continue;
    }
    chunk_full(s.tenant, out);
    if (!frame_ts_set_) {
      frame_ts_ = floats[i].ts;
      frame_ts_set_ = true;
    }
    slot_part& part = part_of(s, slot);
    const size_t first = part.floats.size();
    add_run(s, part, floats.subspan(i, end - i));
    for (; start != batch.starts.end() && start->index < end; ++start)
      if (start->index >= i)
        part.starts.push_back({static_cast<uint32_t>(first + start->index - i), start->start_ts});
  }
}

void frame_encoder::add_others(sender& s, const write_batch& batch, const wal_refused& refused,
                               encoded_frames& out) {
  auto set_ts = [&](timestamp_ms ts) {
    if (!frame_ts_set_)
      frame_ts_ = ts;
    frame_ts_set_ = true;
  };
  skip_list skip_histograms(refused.histograms);
  for (uint32_t i = 0; i < batch.histograms.size(); ++i) {
    if (skip_histograms.skips(i))
      continue;
    chunk_full(s.tenant, out);
    histogram_entry e = batch.histograms[i];
    set_ts(e.ts);
    slot_part& part = part_of(s, s.table->slot(e.series));
    e.series = resolve(s, part, e.series);
    part.group->mark_seen(e.series);
    size_t before = part.histograms.size();
    put_histogram(e, frame_ts_, part.histograms);
    chunk_bytes_ += part.histograms.size() - before;
  }
  skip_list skip_exemplars(refused.exemplars);
  for (uint32_t i = 0; i < batch.exemplars.size(); ++i) {
    if (skip_exemplars.skips(i))
      continue;
    chunk_full(s.tenant, out);
    exemplar_entry e = batch.exemplars[i];
    set_ts(e.value.ts);
    slot_part& part = part_of(s, s.table->slot(e.series));
    e.series = resolve(s, part, e.series);
    part.group->mark_seen(e.series);
    put_exemplar(e, frame_ts_, part.exemplars);
    chunk_bytes_ += e.value.lset.blob_size() + bytes_per_float;
  }
  for (const auto& m : batch.metadata) {
    chunk_full(s.tenant, out);
    slot_part& part = part_of(home_slot(batch));
    size_t before = part.metadata.size();
    put_metadata(m, part.metadata);
    chunk_bytes_ += part.metadata.size() - before;
  }
}

status frame_encoder::append(const write_batch& batch, const wal_refused& refused,
                             encoded_frames& out) {
  TROUPE_TRY(check_batch(batch));
  sender& s = find_sender(batch.tenant, batch.group);
  bind_table(s, batch, out);
  always_pack_ = !batch.metadata.empty() || !batch.histograms.empty();
  add_floats(s, batch, refused.floats, out);
  add_others(s, batch, refused, out);
  // A position alone still says whose it is.
  if (!batch.source_position.empty() && used_slots_.empty())
    part_of(s, home_slot(batch));
  // The last frame carries it: it must not be on disk without what lies before it.
  flush(s.tenant, batch.source_position, out);
  return {};
}

status frame_encoder::append_tombstones(std::string_view tenant,
                                        std::span<const tombstone_entry> entries,
                                        encoded_frames& out) {
  if (tenant.size() > max_tenant_bytes)
    return {errc::invalid_argument, "tenant is longer than 255 bytes"};
  for (const auto& e : entries) {
    if (slot_of(tenant, e.series) % settings_.shards != settings_.shard)
      return {errc::invalid_argument, "series belongs to another shard"};
    if (e.series.blob_size() > max_text_bytes)
      return {errc::invalid_argument, "label set is longer than 1 MiB"};
  }
  always_pack_ = true;
  for (const auto& e : entries) {
    chunk_full(tenant, out);
    put_tombstone(e, part_of(slot_of(tenant, e.series)).tombstones);
    chunk_bytes_ += e.series.blob_size() + bytes_per_float;
  }
  flush(tenant, {}, out);
  return {};
}

// --- frames ---

void frame_encoder::chunk_full(std::string_view tenant, encoded_frames& out) {
  if (chunk_bytes_ >= max_chunk_bytes)
    flush(tenant, {}, out);
}

void frame_encoder::put_key_part(group_state& g, slot_part& part) {
  g.take_key(key_.index, key_.values, journal_);
  if (TROUPE_FAULT(skip_key_frame))
    for (uint64_t& v : key_.values)
      v ^= 1;
  if (key_.index.empty())
    return;
  content_.clear();
  put_key(key_, content_);
  put_part(part_kind::key, content_, part.bytes);
}

void frame_encoder::put_dictionary_part(group_state& g, slot_part& part) {
  const auto series = g.undescribed();
  if (g.count.in_stream && series.empty())
    return;
  content_.clear();
  put_dictionary(g.group(), g.count.described, series, content_);
  described_ += series.size();
  g.count.described = g.size();
  always_pack_ = true;
  if (TROUPE_FAULT(lose_dictionary) && ++dictionaries_ % 3 == 2)
    return;
  put_part(part_kind::dictionary, content_, part.bytes);
  section head;
  head.has_group = true;
  head.group_number = g.number();
  head.number = g.count.sections;
  put_section_head(head, part.dictionary_bytes);
  put_part(part_kind::dictionary, content_, part.dictionary_bytes);
}

void frame_encoder::encode_section(slot_part& part, bool closes) {
  section head;
  group_state* g = part.group;
  if (g != nullptr) {
    journal_.touch(*g);
    head.has_group = true;
    head.group_number = g->number();
    head.number = g->count.sections++;
    head.closes = closes;
    head.key = closes || !g->count.in_stream || g->count.segment != segment_ ||
               g->count.since_key >= settings_.key_frame_interval;
  }
  put_section_head(head, part.bytes);
  if (g != nullptr) {
    put_dictionary_part(*g, part);
    if (head.key)
      put_key_part(*g, part);
    g->count.since_key = head.key ? 1 : g->count.since_key + 1;
    g->count.segment = segment_;
    g->count.full_segment = full_segments_;
    g->count.in_stream = true;
    g->end_section();
  }
  float_columns& f = part.floats;
  if (settings_.decimal_steps)
    values_ = f.xors;
  if (f.size() != 0)
    g->exchange(f.index, f.stale, f.xors, journal_);
  if (settings_.decimal_steps)
    use_decimal_steps(f, values_);
  auto put_if = [&](part_kind kind, std::string_view bytes) {
    if (!bytes.empty())
      put_part(kind, bytes, part.bytes);
  };
  content_.clear();
  if (f.size() != 0)
    put_floats(f, frame_ts_, content_);
  put_if(part_kind::floats, content_);
  content_.clear();
  put_starts(part.starts, f.ts, content_);
  put_if(part_kind::starts, content_);
  put_if(part_kind::histograms, part.histograms);
  put_if(part_kind::exemplars, part.exemplars);
  put_if(part_kind::metadata, part.metadata);
  put_if(part_kind::tombstones, part.tombstones);
}

bool frame_encoder::worth_packing(size_t body_bytes) {
  if (!settings_.compression || body_bytes < min_packed_bytes)
    return false;
  if (always_pack_ || skip_packing_ == 0)
    return true;
  --skip_packing_;
  return false;
}

void frame_encoder::flush(std::string_view tenant, std::string_view source_position,
                          encoded_frames& out) {
  if (used_slots_.empty())
    return;
  std::sort(used_slots_.begin(), used_slots_.end());
  frame_header header;
  header.salt = settings_.salt;
  header.epoch = settings_.epoch;
  header.ts = frame_ts_;
  header.tenant = tenant;
  body_.clear();
  put_bytes(body_, source_position);
  bool single = used_slots_.size() == 1;
  if (!single)
    put_varint(body_, used_slots_.size());
  size_t described = 0;
  for (uint16_t slot : used_slots_) {
    slot_part& part = used_part(slot);
    encode_section(part, false);
    uint64_t sequence = ++next_sequence_[slot];
    if (single) {
      header.kind = frame_kind::stream;
      header.stream = slot;
      header.sequence = sequence;
      body_.append(part.bytes);
    } else {
      header.kind = frame_kind::envelope;
      put_varint(body_, slot);
      put_varint(body_, sequence);
      put_bytes(body_, part.bytes);
    }
    described += !part.dictionary_bytes.empty();
  }
  bool tried = worth_packing(body_.size());
  if (!put_frame(header, body_, tried, out.frames) && tried)
    skip_packing_ = packing_retry;
  ++out.count;
  if (described != 0) {
    body_.clear();
    put_varint(body_, described);
    for (uint16_t slot : used_slots_) {
      const slot_part& part = used_part(slot);
      if (part.dictionary_bytes.empty())
        continue;
      put_varint(body_, slot);
      put_bytes(body_, part.dictionary_bytes);
    }
    header.kind = frame_kind::dictionary;
    header.stream = no_stream;
    header.sequence = 0;
    put_frame(header, body_, settings_.compression && body_.size() >= min_packed_bytes,
              out.dictionary);
  }
  for (uint16_t slot : used_slots_) {
    used_part(slot).clear();
    part_of_[slot] = 0;
  }
  used_slots_.clear();
  clear_buffer(body_);
  clear_buffer(content_);
  chunk_bytes_ = 0;
  frame_ts_set_ = false;
  always_pack_ = false;
}

void frame_encoder::commit() {
  journal_.clear();
  created_.clear();
  removed_.clear();
  committed_sequence_ = next_sequence_;
}

void frame_encoder::rollback() {
  journal_.undo();
  for (auto it = created_.rbegin(); it != created_.rend(); ++it)
    it->first->groups.erase(it->second);
  for (auto& [s, g] : removed_) {
    uint16_t slot = g->slot();
    s->groups[slot] = std::move(g);
  }
  created_.clear();
  removed_.clear();
  next_sequence_ = committed_sequence_;
  for (auto& [key, s] : senders_)
    s->table.reset();
}

std::vector<std::pair<uint16_t, uint64_t>> frame_encoder::next_sequences() const {
  std::vector<std::pair<uint16_t, uint64_t>> out;
  for (uint16_t slot = 0; slot < slot_count; ++slot)
    if (next_sequence_[slot] != 0)
      out.emplace_back(slot, next_sequence_[slot] + 1);
  return out;
}

uint64_t frame_encoder::series_count() const {
  uint64_t n = 0;
  for (const auto& [key, s] : senders_)
    for (const auto& [slot, g] : s->groups)
      n += g->size();
  return n;
}

uint64_t frame_encoder::memory_bytes() const {
  uint64_t n = 0;
  for (const auto& [key, s] : senders_) {
    n += sizeof(sender) + s->index.memory_bytes();
    for (const auto& [slot, g] : s->groups)
      n += g->memory_bytes();
  }
  return n;
}

}  // namespace troupe::storage
