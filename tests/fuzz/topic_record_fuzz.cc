// The reader of topics. The input is taken as a record; as frames in an envelope that is right; and
// as a list of records {u8 kind, u16 length, bytes} of a few segments, whose frames are bodies with
// right checksums, so that what lies behind the checksums is reached.
#include "pipeline/topics/record_reader.h"
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/model/slot.h"
#include "storage/wal/frame.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace troupe;

constexpr topics::reader_bounds bounds{.state_bytes = 64u << 20, .waiting_bytes = 64u << 10};

void check(const result<topics::read_record>& got) {
  if (!got.ok()) {
    TROUPE_CHECK(got.code() == errc::corruption || got.code() == errc::unsupported);
    return;
  }
  uint64_t samples = 0;
  for (const auto& b : got->batches) {
    const size_t series = b->table ? b->table->series.size() : 0;
    for (size_t i = 0; i < series; ++i)
      TROUPE_CHECK(b->table->slot(i) == slot_of(b->tenant, b->table->series[i]));
    for (const auto& e : b->floats)
      TROUPE_CHECK(e.series < series);
    for (const auto& e : b->histograms)
      TROUPE_CHECK(e.series < series && e.value);
    for (const auto& e : b->exemplars)
      TROUPE_CHECK(e.series < series);
    for (const auto& e : b->starts)
      TROUPE_CHECK(e.index < b->floats.size());
    samples += b->sample_count();
  }
  TROUPE_CHECK(samples == got->samples);
}

void read_one(std::string_view payload) {
  topics::record_reader reader({}, nullptr, bounds);
  (void)reader.knows(payload);
  check(reader.read(payload, 0));
}

/// Bit 0-1: the segment; 2: index 0; 3: only learnt; 4: packed; 5: an envelope of several sections.
void read_records(std::string_view input) {
  topics::reader_rules rules;
  rules.labels = {{"cluster", "eu"}};
  topics::record_reader reader(rules, nullptr, bounds);
  byte_reader in(input);
  uint32_t index = 0;
  for (int64_t offset = 0; !in.at_end(); ++offset) {
    const uint8_t kind = in.u8();
    topics::record_header h;
    h.node = kind & 1;
    h.segment = kind >> 1 & 1;
    h.index = kind & 4 ? 0 : ++index;
    h.samples = 1;
    storage::frame_header f;
    f.kind = kind & 32 ? storage::frame_kind::envelope : storage::frame_kind::stream;
    f.stream = kind & 32 ? storage::no_stream : in.u8();
    f.salt = topics::segment_salt(h);
    f.sequence = static_cast<uint64_t>(offset) + 1;
    const size_t length = in.u16();
    std::string frames;
    put_frame(f, in.take(std::min<size_t>(length, in.remaining())), kind & 16, frames);
    const std::string record = topics::make_record(h, frames);
    if (kind & 8) {
      const status s = reader.learn(record, offset);
      TROUPE_CHECK(s.ok() || s.code() == errc::corruption);
    } else {
      check(reader.read(record, offset));
      TROUPE_CHECK(reader.knows(record) || !(kind & 4));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  read_one(input);
  for (const auto packing : {topics::frame_packing::none, topics::frame_packing::zstd})
    read_one(topics::make_record({}, input, packing));
  read_records(input);
  return 0;
}
