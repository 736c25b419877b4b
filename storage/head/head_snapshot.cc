#include "storage/head/head_snapshot.h"

#include "storage/base/coding.h"
#include "storage/base/fault_twin.h"
#include "storage/model/slot.h"
#include "storage/wal/section.h"

#include <algorithm>
#include <bit>

namespace troupe::storage {
namespace {

constexpr std::string_view magic = "TRPHEADS";
constexpr uint32_t version = 1;
/// Small entries are gathered into frames of about so many bytes.
constexpr size_t frame_bytes = 64u << 10;
constexpr uint64_t max_labels = 1u << 20;
constexpr uint32_t max_region_bytes = 1u << 30;

// The planted bug.
bool left_out(uint32_t ref) {
  return TROUPE_FAULT(snapshot_drops_series) && ref % 4 == 3;
}

}  // namespace

// --- header and chunks ---

void put_snapshot_header(const snapshot_header& h, std::string& out) {
  out.append(magic);
  put_u32(out, version);
  put_u32(out, h.shard);
  put_u32(out, h.shards);
  put_u64(out, static_cast<uint64_t>(h.range_ms));
  put_u64(out, h.from.epoch);
  put_u32(out, h.from.segment);
  put_u32(out, h.from.series_number);
  put_u64(out, h.from.series_length);
  put_svarint(out, h.oldest);
  put_svarint(out, h.newest);
}

bool read_snapshot_header(std::string_view content, snapshot_header& out) {
  byte_reader in(content);
  if (in.take(magic.size()) != magic || in.u32() != version)
    return false;
  out.shard = in.u32();
  out.shards = in.u32();
  out.range_ms = static_cast<int64_t>(in.u64());
  out.from.epoch = in.u64();
  out.from.segment = in.u32();
  out.from.series_number = in.u32();
  out.from.series_length = in.u64();
  out.oldest = in.svarint();
  out.newest = in.svarint();
  return !in.failed();
}

void put_saved_chunks(const saved_chunks& c, std::string& out) {
  put_u32(out, c.cut);
  put_svarint(out, c.bound);
  put_u64(out, c.next);
  for (const auto& r : c.regions) {
    put_u64(out, r.begin);
    put_u32(out, r.capacity);
    put_u32(out, r.used);
    put_u32(out, r.cut);
    put_svarint(out, r.max_ts);
    put_u8(out, r.in_file);
    if (r.in_file)
      put_u32(out, r.checksum);
    else
      out.append(r.bytes);
  }
}

bool read_saved_chunks(std::string_view content, saved_chunks& out) {
  byte_reader in(content);
  out.cut = in.u32();
  out.bound = in.svarint();
  out.next = in.u64();
  chunk_position end = 1;
  while (!in.failed() && !in.at_end()) {
    saved_region& r = out.regions.emplace_back();
    r.begin = in.u64();
    r.capacity = in.u32();
    r.used = in.u32();
    r.cut = in.u32();
    r.max_ts = in.svarint();
    r.in_file = in.u8() != 0;
    if (r.in_file)
      r.checksum = in.u32();
    else
      r.bytes = in.take(r.used);
    if (r.begin < end || r.used > r.capacity || r.capacity > max_region_bytes)
      return false;
    end = r.begin + r.capacity;
    if (end < r.begin || end > out.next)
      return false;
  }
  return !in.failed() && out.next >= 1;
}

// --- saving ---

void head_saver::put_labels(const labels& lset, std::string& out) {
  const auto ids = lset.pair_ids();
  put_varint(out, ids.size());
  if (ids.empty())
    return put_bytes(out, lset.blob());
  for (const uint32_t id : ids) {
    const auto number = static_cast<uint32_t>(pairs_.size());
    const auto [at, added] = pairs_.emplace(id, number);
    put_varint(out, at->second);
    if (!added)
      continue;
    const label_view pair = held_.emplace_back(id).view();
    put_bytes(out, pair.name);
    put_bytes(out, pair.value);
  }
}

bool head_saver::next_series(size_t budget, std::string& content) {
  while (tenant_ < tenants_.size() && ref_ >= tenants_[tenant_]->series.next_ref()) {
    ++tenant_;
    ref_ = 0;
  }
  if (tenant_ == tenants_.size())
    return false;
  const head_tenant& tenant = *tenants_[tenant_];
  put_bytes(content, tenant.name);
  saved_slice slice;
  int64_t before = -1;
  for (; budget > 0 && ref_ < tenant.series.next_ref(); --budget, ++ref_) {
    const head_series* s = tenant.series.at(ref_);
    if (s == nullptr || left_out(ref_))
      continue;
    put_varint(content, static_cast<uint64_t>(int64_t{ref_} - before - 1));
    before = ref_;
    put_labels(s->lset(), content);
    head_.samples().save(*s, slice, content);
  }
  return true;
}

void head_saver::begin_references(const wal_references& group, std::string& content) {
  put_varint(content, group.slot);
  put_varint(content, group.number);
  put_u64(content, group.key);
  put_bytes(content, group.tenant);
  before_ = -1;
}

void head_saver::references(const wal_references& group, size_t first, size_t count,
                            std::string& content) {
  const auto tenant = std::find_if(tenants_.begin(), tenants_.end(),
                                   [&](const head_tenant* t) { return t->name == group.tenant; });
  for (size_t i = first; i < std::min(first + count, group.series.size()); ++i) {
    const head_series* s =
        tenant == tenants_.end() ? nullptr : head_.find(**tenant, group.series[i]);
    if (s == nullptr || left_out(s->ref())) {
      put_varint(content, 0);
      put_bytes(content, group.series[i].blob());
      continue;
    }
    put_varint(content, zigzag(int64_t{s->ref()} - before_ - 1) + 1);
    before_ = s->ref();
  }
}

head_saver::frames head_saver::others() const {
  frames out;
  std::string content;
  const auto flush = [&](snapshot_frame kind) {
    if (!content.empty())
      out.emplace_back(kind, std::exchange(content, {}));
  };
  head_.exemplars().for_each([&](std::string_view tenant, const labels& series, const exemplar& e) {
    put_bytes(content, tenant);
    put_bytes(content, series.blob());
    put_bytes(content, e.lset.blob());
    put_u64(content, std::bit_cast<uint64_t>(e.value));
    put_svarint(content, e.ts);
    if (content.size() >= frame_bytes)
      flush(snapshot_frame::exemplars);
  });
  flush(snapshot_frame::exemplars);
  std::string entries, tenant;
  const auto flush_entries = [&] {
    if (entries.empty())
      return;
    put_bytes(content, tenant);
    content.append(entries);
    entries.clear();
    flush(snapshot_frame::metadata);
  };
  head_.metadata().for_each([&](std::string_view of, const metadata_entry& entry) {
    if (of != tenant || entries.size() >= frame_bytes)
      flush_entries();
    tenant = of;
    put_metadata(entry, entries);
  });
  flush_entries();
  return out;
}

// --- loading ---

status head_loader::take(snapshot_frame kind, std::string_view content) {
  bool good = true;
  switch (kind) {
    case snapshot_frame::header:
      good = take_header(content);
      break;
    case snapshot_frame::series:
      good = take_series(content);
      break;
    case snapshot_frame::references:
      good = take_references(content);
      break;
    case snapshot_frame::exemplars:
      good = take_exemplars(content);
      break;
    case snapshot_frame::metadata:
      good = take_metadata(content);
      break;
    default:
      break;
  }
  return good ? status() : status(errc::corruption, "malformed snapshot of the head");
}

bool head_loader::take_header(std::string_view content) {
  snapshot_header h;
  if (!read_snapshot_header(content, h))
    return false;
  head_.note_times(h.oldest, h.newest);
  return true;
}

bool head_loader::read_labels(byte_reader& in, labels& out) {
  const uint64_t count = in.varint();
  if (count == 0)
    return labels::from_blob(in.bytes(), out);
  if (count > max_labels)
    return false;
  ids_.clear();
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    const uint64_t number = in.varint();
    if (number > pairs_.size())
      return false;
    if (number == pairs_.size()) {
      const std::string_view name = in.bytes(), value = in.bytes();
      if (in.failed() || name.empty() || value.empty())
        return false;
      const labels pair = labels::from_views({{name, value}}).packed();
      if (!pair.is_packed())
        return false;
      pairs_.emplace_back(pair.pair_ids()[0]);
    }
    ids_.push_back(pairs_[number].id());
  }
  return !in.failed() && labels::from_pair_ids(ids_, out);
}

bool head_loader::take_series(std::string_view content) {
  byte_reader in(content);
  const std::string_view name = in.bytes();
  if (in.failed() || name.size() > 255)
    return false;
  head_tenant& tenant = head_.tenant(name);
  numbered& known = series_[tenant.name];
  slice_.segments.clear();
  slice_.newest = 0;
  uint64_t next = 0;
  while (!in.failed() && !in.at_end()) {
    const uint64_t ref = next + in.varint();
    labels lset;
    if (ref < next || ref >= UINT32_MAX || (!known.empty() && ref <= known.back().first) ||
        !read_labels(in, lset))
      return false;
    next = ref + 1;
    const uint64_t before = head_.series_count();
    head_series* s = head_.find_or_create(tenant, lset);
    if (head_.series_count() == before || !head_.samples().restore(*s, slice_, in))
      return false;
    known.emplace_back(static_cast<uint32_t>(ref), s);
  }
  return !in.failed();
}

bool head_loader::take_references(std::string_view content) {
  byte_reader in(content);
  wal_references group;
  const uint64_t slot = in.varint();
  group.number = in.varint();
  group.key = in.u64();
  group.tenant = in.bytes();
  if (in.failed() || slot >= slot_count || group.number >> 48 != 0)
    return false;
  group.slot = static_cast<uint16_t>(slot);
  const numbered& known = series_[group.tenant];
  std::vector<head_series*> series;
  int64_t before = -1;
  size_t at = 0;
  while (!in.failed() && !in.at_end()) {
    const uint64_t told = in.varint();
    if (told == 0) {
      labels lset;
      if (!labels::from_blob(in.bytes(), lset))
        return false;
      group.series.push_back(lset.packed());
      series.push_back(nullptr);
      continue;
    }
    const int64_t ref = before + 1 + unzigzag(told - 1);
    if (ref < 0 || ref > UINT32_MAX)
      return false;
    before = ref;
    // Mostly the one behind the last one.
    if (at >= known.size() || known[at].first != ref) {
      const auto found = std::lower_bound(known.begin(), known.end(), ref,
                                          [](const auto& k, int64_t r) { return k.first < r; });
      if (found == known.end() || found->first != ref)
        return false;
      at = static_cast<size_t>(found - known.begin());
    }
    group.series.push_back(known[at].second->lset());
    series.push_back(known[at].second);
    ++at;
  }
  if (in.failed())
    return false;
  references_(group, series);
  return true;
}

bool head_loader::take_exemplars(std::string_view content) {
  byte_reader in(content);
  while (!in.failed() && !in.at_end()) {
    const std::string_view tenant = in.bytes(), series = in.bytes(), lset = in.bytes();
    exemplar e;
    e.value = std::bit_cast<double>(in.u64());
    e.ts = in.svarint();
    labels of;
    if (in.failed() || !labels::from_blob(series, of) ||
        (!lset.empty() && !labels::from_blob(lset, e.lset)))
      return false;
    head_.exemplars().add(tenant, of.packed(), e);
  }
  return !in.failed();
}

bool head_loader::take_metadata(std::string_view content) {
  byte_reader in(content);
  const std::string_view tenant = in.bytes();
  std::vector<metadata_entry> entries;
  if (in.failed() || !read_metadata(in.take(in.remaining()), entries))
    return false;
  for (const auto& e : entries)
    head_.metadata().add(tenant, e);
  return true;
}

}  // namespace troupe::storage
