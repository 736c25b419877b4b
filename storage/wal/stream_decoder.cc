#include "storage/wal/stream_decoder.h"

#include "storage/base/coding.h"
#include "storage/wal/decimal_step.h"

#include <algorithm>
#include <bit>

namespace troupe::storage {
namespace {

constexpr uint32_t no_id = 0xffffffff;
// Above what an encoder ever gives out (a group number is given up at 1 Mi series); bounds what a
// crafted frame can ask.
constexpr uint32_t max_group_index = 1u << 22;
constexpr uint64_t max_group_number = 1ULL << 48;
// About what a group takes without series, and a series with its labels (whose texts are shared).
constexpr size_t group_overhead = 256, series_bytes = 128;

status malformed(std::string_view what) {
  return {errc::corruption, "malformed " + std::string(what)};
}

bool indices_in_bounds(const std::vector<uint32_t>& index) {
  return std::all_of(index.begin(), index.end(), [](uint32_t i) { return i < max_group_index; });
}

size_t top_of(const std::vector<uint32_t>& index) {
  return index.empty() ? 0 : size_t{*std::max_element(index.begin(), index.end())} + 1;
}

/// Of a group's references and their states.
size_t bytes_of(size_t ids, size_t states) {
  return ids * sizeof(uint32_t) + states * sizeof(uint64_t);
}

/// Forward: `state`, which has room for all, moves on; `values` are what the samples were.
void redo_floats(std::vector<uint64_t>& state, const float_columns& f,
                 std::vector<uint64_t>& values) {
  values.resize(f.size());
  if (f.forms.empty()) {
    for (size_t i = 0; i < f.size(); ++i)
      values[i] = f.stale[i] ? stale_nan_bits : state[f.index[i]] ^= f.xors[i];
    return;
  }
  for (size_t i = 0; i < f.size(); ++i) {
    uint64_t& last = state[f.index[i]];
    if (f.forms[i] != 0)
      last = step_forward(last, f.forms[i], f.xors[i]);
    else if (!f.stale[i])
      last ^= f.xors[i];
    values[i] = f.stale[i] ? stale_nan_bits : last;
  }
}

/// Backward: `state` is the one after these samples and becomes the one before them.
void undo_floats(std::vector<uint64_t>& state, const float_columns& f,
                 std::vector<uint64_t>& values) {
  state.resize(std::max(state.size(), top_of(f.index)));
  values.resize(f.size());
  for (size_t i = f.size(); i-- > 0;) {
    if (f.stale[i]) {
      values[i] = stale_nan_bits;
      continue;
    }
    uint64_t& last = state[f.index[i]];
    values[i] = last;
    if (!f.forms.empty() && f.forms[i] != 0)
      last = step_backward(last, f.forms[i], f.xors[i]);
    else
      last ^= f.xors[i];
  }
}

}  // namespace

std::string_view stream_decoder::intern(std::string_view tenant) {
  auto it = tenants_.find(tenant);
  if (it == tenants_.end())
    it = tenants_.emplace(tenant).first;
  return *it;
}

void stream_decoder::limit_memory(size_t state_bytes, size_t waiting_bytes) {
  max_state_bytes_ = state_bytes;
  max_waiting_bytes_ = waiting_bytes;
}

bool stream_decoder::may_remember(size_t more) const {
  return group_bytes_ + dictionary_bytes_ + more <= max_state_bytes_;
}

uint32_t stream_decoder::id_of(const group& g, uint32_t index) const {
  return index < g.ids.size() ? g.ids[index] : no_id;
}

// --- frames ---

status stream_decoder::apply(const frame& f, wal_sink& sink) {
  if (f.header.version != frame_version)
    return {};
  bool stream = f.header.kind == frame_kind::stream;
  if (stream && !wanted(f.header.stream))
    return {};
  TROUPE_ASSIGN(std::string_view body, frame_body(f, scratch_));
  switch (f.header.kind) {
    case frame_kind::dictionary:
      return apply_dictionary(f, body);
    case frame_kind::envelope:
      return apply_envelope(f, body, sink);
    case frame_kind::stream: {
      byte_reader in(body);
      context c{f.header.stream, f.header.sequence,       f.header.ts,
                f.header.epoch,  intern(f.header.tenant), in.bytes()};
      if (in.failed())
        return malformed("stream frame");
      if (!first_seen(c.slot, c.sequence))
        return {};
      return apply_section(c, in.take(in.remaining()), sink);
    }
    default:
      return {};
  }
}

bool stream_decoder::first_seen(uint16_t slot, uint64_t sequence) {
  uint64_t& last = last_sequence_[slot];
  if (sequence <= last) {
    ++report_.counts[static_cast<size_t>(wal_loss::duplicate)];
    return false;
  }
  if (last != 0 || positions_known_)
    report_.frames_missing += sequence - last - 1;
  last = sequence;
  return true;
}

void stream_decoder::expect(const segment_header& header) {
  for (auto [slot, next] : header.next_sequences) {
    uint64_t& last = last_sequence_[slot];
    if (!wanted(slot) || next <= last + 1)
      continue;
    if (positions_known_)
      report_.frames_missing += next - last - 1;
    last = next - 1;
  }
  positions_known_ = true;
}

status stream_decoder::apply_dictionary(const frame& f, std::string_view body) {
  byte_reader in(body);
  uint64_t n = in.varint();
  for (uint64_t i = 0; i < n && !in.failed(); ++i) {
    uint64_t slot = in.varint();
    section s;
    if (!read_section(in.bytes(), s) || !s.has_group || s.group_number >= max_group_number)
      return malformed("dictionary frame");
    if (!wanted(slot))
      continue;
    context c{static_cast<uint16_t>(slot), 0, f.header.ts, f.header.epoch,
              intern(f.header.tenant),     {}};
    group* g = group_of(c, s);
    if (g == nullptr || !add_dictionary(*g, s.part(part_kind::dictionary)))
      return malformed("dictionary");
  }
  return in.failed() ? malformed("dictionary frame") : status();
}

status stream_decoder::apply_envelope(const frame& f, std::string_view body, wal_sink& sink) {
  byte_reader in(body);
  auto position = in.bytes();
  uint64_t n = in.varint();
  std::vector<std::pair<context, std::string_view>> sections;
  for (uint64_t i = 0; i < n && !in.failed(); ++i) {
    uint64_t slot = in.varint();
    uint64_t sequence = in.varint();
    auto bytes = in.bytes();
    if (in.failed() || !wanted(slot))
      continue;
    context c{static_cast<uint16_t>(slot), sequence, f.header.ts, f.header.epoch,
              intern(f.header.tenant),     {}};
    if (first_seen(c.slot, c.sequence))
      sections.emplace_back(c, bytes);
  }
  status first;
  for (size_t i = 0; i < sections.size(); ++i) {
    auto& [c, bytes] = sections[i];
    // The position says that all before it is there: it comes with the last section.
    if (i + 1 == sections.size())
      c.source_position = position;
    status s = apply_section(c, bytes, sink);
    if (!s.ok() && s.code() != errc::corruption)
      return s;
    if (first.ok())
      first = s;
  }
  return in.failed() ? malformed("envelope") : first;
}

// --- sections ---

stream_decoder::group* stream_decoder::group_of(const context& c, const section& s) {
  const uint64_t key = uint64_t{c.slot} << 48 | s.group_number;
  if (const auto at = groups_.find(key); at != groups_.end())
    return at->second.get();
  if (!may_remember(group_overhead))
    return nullptr;
  group_bytes_ += group_overhead;
  auto& g = groups_[key];
  g = std::make_unique<group>();
  g->tenant = c.tenant;
  g->slot = c.slot;
  g->epoch = c.epoch;
  return g.get();
}

void stream_decoder::forget_group(uint64_t key) {
  const auto at = groups_.find(key);
  const group& g = *at->second;
  group_bytes_ -= group_overhead + bytes_of(g.ids.size(), g.last.size());
  groups_.erase(at);
}

bool stream_decoder::grow_state(group& g, const std::vector<uint32_t>& index) {
  if (!indices_in_bounds(index))
    return false;
  const size_t before = g.last.size();
  const size_t top = std::max(before, top_of(index));
  const size_t more = bytes_of(0, top - before);
  if (!may_remember(more))
    return false;
  g.last.resize(top);
  group_bytes_ += more;
  return true;
}

uint32_t stream_decoder::restore(uint64_t epoch, const wal_references& from) {
  const auto first = static_cast<uint32_t>(dictionary_.size());
  const uint64_t key = uint64_t{from.slot} << 48 | from.number;
  if (groups_.contains(key))
    forget_group(key);
  auto& g = groups_[key];
  g = std::make_unique<group>();
  group_bytes_ += group_overhead + bytes_of(from.series.size(), 0);
  dictionary_bytes_ += from.series.size() * series_bytes;
  g->tenant = intern(from.tenant);
  g->key = from.key;
  g->epoch = epoch;
  g->slot = from.slot;
  g->ids.reserve(from.series.size());
  for (const auto& lset : from.series) {
    g->ids.push_back(static_cast<uint32_t>(dictionary_.size()));
    dictionary_.push_back({lset, g->tenant, g->slot});
  }
  return first;
}

bool stream_decoder::add_dictionary(group& g, std::string_view part) {
  dictionary_part d;
  if (!read_dictionary(part, d) || d.first + d.series.size() > max_group_index)
    return false;
  g.key = d.group;
  const size_t before = g.ids.size();
  const size_t top = std::max<size_t>(before, d.first + d.series.size());
  if (!may_remember(bytes_of(top - before, 0) + d.series.size() * series_bytes))
    return false;
  g.ids.resize(top, no_id);
  group_bytes_ += bytes_of(top - before, 0);
  for (size_t i = 0; i < d.series.size(); ++i) {
    uint32_t& id = g.ids[d.first + i];
    if (id != no_id)
      continue;
    id = static_cast<uint32_t>(dictionary_.size());
    dictionary_.push_back({d.series[i].packed(), g.tenant, g.slot});
    dictionary_bytes_ += series_bytes;
  }
  return true;
}

status stream_decoder::apply_groupless(const context& c, std::string_view bytes, const section& s,
                                       wal_sink& sink) {
  if (!s.part(part_kind::tombstones).empty()) {
    for (uint64_t key : waiting_groups_) {
      group& g = *groups_[key];
      if (g.slot == c.slot && g.tenant == c.tenant)
        g.waiting.push_back({std::string(bytes), {}, c.sequence, 0, c.ts, false});
    }
  }
  floats_.clear();
  values_.clear();
  return emit(c, s, nullptr, floats_, &values_, false, sink);
}

status stream_decoder::apply_section(const context& c, std::string_view bytes, wal_sink& sink) {
  section s;
  if (!read_section(bytes, s) || s.group_number >= max_group_number)
    return malformed("section");
  ++report_.frames;
  if (!s.has_group)
    return apply_groupless(c, bytes, s, sink);
  uint64_t key = uint64_t{c.slot} << 48 | s.group_number;
  group* const known = group_of(c, s);
  if (known == nullptr)
    return malformed("section: too many groups");
  group& g = *known;
  auto dictionary = s.part(part_kind::dictionary);
  if (!dictionary.empty() && !add_dictionary(g, dictionary))
    return malformed("dictionary");
  if (s.key) {
    key_.index.clear();
    key_.values.clear();
    auto part = s.part(part_kind::key);
    if (!part.empty() && (!read_key(part, key_) || !grow_state(g, key_.index)))
      return malformed("key frame");
    std::fill(g.last.begin(), g.last.end(), 0);
    for (size_t i = 0; i < key_.index.size(); ++i)
      g.last[key_.index[i]] = key_.values[i];
    if (!g.waiting.empty()) {
      // Tombstones at the end carry no number.
      auto last = std::find_if(g.waiting.rbegin(), g.waiting.rend(),
                               [](const waiting_section& w) { return w.has_group; });
      bool joined = last->number + 1 == s.number;
      TROUPE_TRY(joined ? resolve_waiting(g, key, sink) : give_up_waiting(g, key, sink));
    }
    g.known = true;
  } else if (!g.known || s.number != g.next) {
    return wait(g, key, c, bytes, s, sink);
  }
  g.next = s.number + 1;
  floats_.clear();
  auto floats = s.part(part_kind::floats);
  if (!floats.empty() && (!read_floats(floats, c.ts, floats_) || !grow_state(g, floats_.index))) {
    g.known = false;
    return malformed("floats");
  }
  redo_floats(g.last, floats_, values_);
  TROUPE_TRY(emit(c, s, &g, floats_, &values_, false, sink));
  if (s.closes)
    forget_group(key);
  return {};
}

// --- gaps ---

status stream_decoder::wait(group& g, uint64_t key, const context& c, std::string_view bytes,
                            const section& s, wal_sink& sink) {
  g.known = false;
  auto last = std::find_if(g.waiting.rbegin(), g.waiting.rend(),
                           [](const waiting_section& w) { return w.has_group; });
  bool second_gap = last != g.waiting.rend() && last->number + 1 != s.number;
  if (second_gap || waiting_bytes_ + bytes.size() > max_waiting_bytes_)
    TROUPE_TRY(give_up_waiting(g, key, sink));
  if (g.waiting.empty())
    waiting_groups_.push_back(key);
  g.waiting.push_back(
      {std::string(bytes), std::string(c.source_position), c.sequence, s.number, c.ts, true});
  ++waiting_frames_;
  waiting_bytes_ += bytes.size();
  return {};
}

void stream_decoder::stop_waiting(group& g, uint64_t key) {
  for (const auto& w : g.waiting) {
    waiting_frames_ -= w.has_group;
    waiting_bytes_ -= w.has_group ? w.bytes.size() : 0;
  }
  g.waiting.clear();
  std::erase(waiting_groups_, key);
}

status stream_decoder::resolve_waiting(group& g, uint64_t key, wal_sink& sink) {
  std::vector<uint64_t> state = g.last;
  std::vector<std::vector<uint64_t>> values(g.waiting.size());
  size_t first = g.waiting.size();  // of those whose values are known
  float_columns f;
  while (first > 0) {
    const waiting_section& w = g.waiting[first - 1];
    section s;
    f.clear();
    bool good = read_section(w.bytes, s);
    auto floats = s.part(part_kind::floats);
    if (good && w.has_group && !floats.empty())
      good = read_floats(floats, w.ts, f) && indices_in_bounds(f.index);
    if (!good)
      break;
    undo_floats(state, f, values[first - 1]);
    --first;
  }
  std::vector<waiting_section> sections;
  sections.reserve(g.waiting.size());
  for (auto& w : g.waiting)
    sections.push_back(w);
  stop_waiting(g, key);
  for (size_t i = 0; i < sections.size(); ++i)
    TROUPE_TRY(emit_waiting(g, sections[i], i < first ? nullptr : &values[i], sink));
  return {};
}

status stream_decoder::give_up_waiting(group& g, uint64_t key, wal_sink& sink) {
  std::vector<waiting_section> sections = g.waiting;
  stop_waiting(g, key);
  for (const auto& w : sections)
    TROUPE_TRY(emit_waiting(g, w, nullptr, sink));
  return {};
}

status stream_decoder::emit_waiting(const group& g, const waiting_section& w,
                                    const std::vector<uint64_t>* values, wal_sink& sink) {
  section s;
  float_columns f;
  if (!read_section(w.bytes, s))
    return {};
  auto floats = s.part(part_kind::floats);
  if (!floats.empty() && !read_floats(floats, w.ts, f))
    f.clear();
  context c{g.slot, w.sequence, w.ts, g.epoch, g.tenant, w.source_position};
  if (w.has_group)
    ++(values ? report_.frames_recovered
              : report_.counts[static_cast<size_t>(wal_loss::behind_gap)]);
  status done = emit(c, s, w.has_group ? &g : nullptr, f, values, true, sink);
  // What of it is malformed is lost; the rest goes on.
  return done.code() == errc::corruption ? status() : done;
}

status stream_decoder::end_run(wal_sink& sink) {
  std::vector<uint64_t> keys = waiting_groups_;
  std::sort(keys.begin(), keys.end());
  status first;
  for (uint64_t key : keys) {
    status s = give_up_waiting(*groups_[key], key, sink);
    if (first.ok())
      first = s;
  }
  groups_.clear();
  group_bytes_ = 0;
  waiting_groups_.clear();
  last_sequence_.fill(0);
  positions_known_ = false;
  return first;
}

// --- output ---

void stream_decoder::fill_floats(const section& s, const group& g, const float_columns& f,
                                 const std::vector<uint64_t>& values) {
  std::vector<start_entry> starts;
  auto part = s.part(part_kind::starts);
  if (!part.empty() && !read_starts(part, f.ts, starts))
    ++report_.counts[static_cast<size_t>(wal_loss::bad_body)];
  size_t next_start = 0;
  batch_.floats.reserve(f.size());
  for (uint32_t i = 0; i < f.size(); ++i) {
    uint32_t id = id_of(g, f.index[i]);
    bool has_start = next_start < starts.size() && starts[next_start].index == i;
    if (id == no_id) {
      ++report_.samples_lost;
      ++report_.counts[static_cast<size_t>(wal_loss::unknown_series)];
    } else {
      if (has_start)
        batch_.starts.push_back(
            {static_cast<uint32_t>(batch_.floats.size()), starts[next_start].start_ts});
      batch_.floats.push_back({f.ts[i], std::bit_cast<double>(values[i]), id});
    }
    next_start += has_start;
  }
}

template <class Entries>
void stream_decoder::resolve_ids(const group* g, Entries& entries, bool samples) {
  std::erase_if(entries, [&](auto& e) {
    e.series = g ? id_of(*g, e.series) : no_id;
    if (e.series != no_id)
      return false;
    report_.samples_lost += samples;
    ++report_.counts[static_cast<size_t>(wal_loss::unknown_series)];
    return true;
  });
}

status stream_decoder::emit(const context& c, const section& s, const group* g,
                            const float_columns& f, const std::vector<uint64_t>* values,
                            bool recovered, wal_sink& sink) {
  batch_.clear();
  batch_.slot = c.slot;
  batch_.recovered = recovered;
  batch_.tenant = c.tenant;
  batch_.group = g ? g->key : 0;
  batch_.epoch = c.epoch;
  batch_.sequence = c.sequence;
  batch_.ts = c.ts;
  batch_.dictionary = &dictionary_;
  batch_.source_position = c.source_position;
  if (g && values)
    fill_floats(s, *g, f, *values);
  else
    report_.samples_lost += f.size();
  bool good = read_histograms(s.part(part_kind::histograms), c.ts, batch_.histograms) &&
              read_exemplars(s.part(part_kind::exemplars), c.ts, batch_.exemplars) &&
              read_metadata(s.part(part_kind::metadata), batch_.metadata) &&
              read_tombstones(s.part(part_kind::tombstones), batch_.tombstones);
  resolve_ids(g, batch_.histograms, true);
  resolve_ids(g, batch_.exemplars, false);
  bool empty = batch_.floats.empty() && batch_.histograms.empty() && batch_.exemplars.empty() &&
               batch_.metadata.empty() && batch_.tombstones.empty() &&
               batch_.source_position.empty();
  report_.samples += batch_.floats.size() + batch_.histograms.size();
  if (!empty)
    TROUPE_TRY(sink.apply(batch_));
  return good ? status() : malformed("section content");
}

}  // namespace troupe::storage
