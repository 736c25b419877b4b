#include "pipeline/topics/record_reader.h"

#include "pipeline/topics/foreign_records.h"
#include "pipeline/topics/record_packing.h"
#include "pipeline/topics/segment_decoder.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace troupe::topics {
namespace {

// A node that was not heard for so long, as the others' clocks go, writes no more.
constexpr int64_t silence_ms = 3600 * 1000;
// A step of a node's time beyond this is none of the clock of all.
constexpr int64_t max_step_ms = 60 * 1000;

struct segment_id {
  uint64_t session = 0;
  uint32_t segment = 0;
  bool operator==(const segment_id&) const = default;
};

/// What is known of a node that writes into the partition.
struct writer {
  segment_id current;
  int64_t key_offset = -1;
  segment_progress progress;
  std::unique_ptr<segment_decoder> decoder;

  segment_id previous;
  std::optional<segment_progress> previous_progress;
  std::vector<kept_table_ptr> tables;  ///< of the previous segment

  timestamp_ms as_of = min_time;
  int64_t own_clock_ms = 0;  ///< moves with as_of
  int64_t heard_ms = 0;      ///< on the clock of all
  uint64_t turn = 0;         ///< of its last record
};

}  // namespace

struct record_reader::impl {
  impl(reader_rules r, std::shared_ptr<remote::series_cache> known, const reader_bounds& b)
      : rules(std::make_shared<send::series_rules>(
            send::series_rules{std::move(r.selectors), {}, std::move(r.labels)})),
        bounds(b),
        foreign(std::move(known), rules) {}

  writer* find(const record_header& h) {
    const auto at = writers.find(h.node);
    return at == writers.end() ? nullptr : &at->second;
  }
  bool begins(const record_header& h, const writer* w) const {
    return h.index == 0 && (w == nullptr || w->current != segment_id{h.session, h.segment});
  }
  // A later session sends again whatever was not confirmed to those before it.
  static bool is_superseded(const record_header& h, int64_t offset, const writer* w) {
    return w != nullptr && h.session < w->current.session && offset > w->key_offset;
  }
  void begin(const record_header& h, int64_t offset, batch_list* into, read_record& out);
  void hear(writer& w, const record_header& h);
  void forget_silent();
  void forget_oldest();
  status decode(const record_header& h, std::string_view frames, batch_list* into,
                read_record& out);
  status take(std::string_view payload, int64_t offset, batch_list* into, read_record& out);

  const std::shared_ptr<const send::series_rules> rules;
  const reader_bounds bounds;
  foreign_reader foreign;
  frame_unpacker unpacker;
  table_book tables;
  std::unordered_map<uint64_t, writer> writers;  ///< by node
  int64_t clock_ms = 0;                          ///< the furthest of the writers' own
  uint64_t turns = 0;
};

void record_reader::impl::begin(const record_header& h, int64_t offset, batch_list* into,
                                read_record& out) {
  const auto [at, is_new] = writers.try_emplace(h.node);
  writer& w = at->second;
  if (is_new) {
    w.own_clock_ms = clock_ms;
  } else {
    w.decoder->end(into);
    out.lost += w.decoder->take_lost();
    w.previous = w.current;
    w.previous_progress = w.progress;
    w.tables = w.decoder->leave_tables();
  }
  w.current = {h.session, h.segment};
  w.key_offset = offset;
  w.progress = {};
  w.decoder = std::make_unique<segment_decoder>(
      *rules, tables, segment_decoder::memory{bounds.state_bytes, bounds.waiting_bytes});
  w.turn = ++turns;
  if (writers.size() > bounds.nodes)
    forget_oldest();
  tables.sweep();
}

void record_reader::impl::hear(writer& w, const record_header& h) {
  if (w.as_of != min_time && h.as_of > w.as_of) {
    const auto step = static_cast<uint64_t>(h.as_of) - static_cast<uint64_t>(w.as_of);
    w.own_clock_ms += static_cast<int64_t>(std::min<uint64_t>(step, max_step_ms));
  }
  w.as_of = h.as_of;
  clock_ms = std::max(clock_ms, w.own_clock_ms);
  w.heard_ms = clock_ms;
  w.turn = ++turns;
}

// Clocks of nodes may differ by any amount, so what counts is how far another node's has gone since
// this one was heard.
void record_reader::impl::forget_silent() {
  std::erase_if(
      writers, [this](const auto& entry) { return clock_ms - entry.second.heard_ms > silence_ms; });
}

void record_reader::impl::forget_oldest() {
  writers.erase(std::min_element(writers.begin(), writers.end(), [](const auto& a, const auto& b) {
    return a.second.turn < b.second.turn;
  }));
}

status record_reader::impl::decode(const record_header& h, std::string_view frames,
                                   batch_list* into, read_record& out) {
  writer* w = find(h);
  const segment_id id{h.session, h.segment};
  if (w == nullptr || w->current != id) {
    const bool known = w != nullptr && w->previous_progress && w->previous == id &&
                       w->previous_progress->of(h.index) == segment_progress::place::seen;
    out.lost += known ? 0 : h.samples;
    return {};
  }
  hear(*w, h);
  const auto place = w->progress.of(h.index);
  if (place != segment_progress::place::next) {
    out.lost += place == segment_progress::place::missed ? h.samples : 0;
    return {};
  }
  w->progress.advance(h.index);
  status s = w->decoder->apply(h, frames, into);
  out.lost += w->decoder->take_lost();
  return s;
}

status record_reader::impl::take(std::string_view payload, int64_t offset, batch_list* into,
                                 read_record& out) {
  TROUPE_ASSIGN(const auto parts, split_record(payload));
  TROUPE_ASSIGN(const auto frames, unpacker.unpack(parts));
  out.header = parts.header;
  const writer* w = find(parts.header);
  if (is_superseded(parts.header, offset, w))
    return {};
  if (begins(parts.header, w))
    begin(parts.header, offset, into, out);
  status s = decode(parts.header, frames, into, out);
  forget_silent();
  return s;
}

record_reader::record_reader(reader_rules rules, std::shared_ptr<remote::series_cache> foreign,
                             const reader_bounds& bounds)
    : impl_(std::make_unique<impl>(std::move(rules), std::move(foreign), bounds)) {}

record_reader::~record_reader() = default;

bool record_reader::knows(std::string_view payload, std::optional<int64_t> offset) const {
  if (!is_record(payload))
    return true;
  const auto parts = split_record(payload);
  if (!parts.ok() || parts->header.index == 0)
    return true;
  const record_header& h = parts->header;
  const segment_id id{h.session, h.segment};
  const writer* w = impl_->find(h);
  if (offset && impl::is_superseded(h, *offset, w))
    return true;
  return w != nullptr &&
         (w->current == id || (w->previous_progress && w->previous == id &&
                               w->previous_progress->of(h.index) == segment_progress::place::seen));
}

result<read_record> record_reader::read(std::string_view payload, int64_t offset) {
  if (!is_record(payload))
    return impl_->foreign.read(payload);
  read_record out;
  batch_list batches;
  TROUPE_TRY(impl_->take(payload, offset, &batches, out));
  out.batches = batches.take();
  for (const auto& b : out.batches)
    out.samples += b->sample_count();
  return out;
}

status record_reader::learn(std::string_view payload, int64_t offset) {
  if (!is_record(payload))
    return {};
  read_record unused;
  return impl_->take(payload, offset, nullptr, unused);
}

std::optional<int64_t> record_reader::key_offset() const {
  std::optional<int64_t> out;
  for (const auto& [node, w] : impl_->writers)
    out = std::min(out.value_or(w.key_offset), w.key_offset);
  return out;
}

uint64_t record_reader::memory_bytes() const {
  uint64_t out =
      impl_->tables.memory_bytes() + impl_->foreign.memory_bytes() + impl_->unpacker.memory_bytes();
  for (const auto& [node, w] : impl_->writers)
    out += sizeof w + w.decoder->memory_bytes();
  return out;
}

}  // namespace troupe::topics
