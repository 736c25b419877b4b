// The frame decoder. The input is taken as file bytes, and as a list of frame bodies {kind, slot,
// u16 length, body} whose checksums are made right, so that what lies behind the checksum is
// reached.
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/wal/frame.h"
#include "storage/wal/segment_header.h"
#include "storage/wal/stream_decoder.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace troupe;
using namespace troupe::storage;

class checking_sink final : public wal_sink {
 public:
  status apply(const wal_batch& b) override {
    for (const auto& e : b.floats)
      TROUPE_CHECK(e.series < b.dictionary->size());
    for (const auto& e : b.histograms)
      TROUPE_CHECK(e.series < b.dictionary->size() && e.value);
    for (const auto& e : b.exemplars)
      TROUPE_CHECK(e.series < b.dictionary->size());
    for (const auto& e : b.starts)
      TROUPE_CHECK(e.index < b.floats.size());
    return {};
  }
};

void decode_bodies(std::string_view input) {
  wal_report report;
  stream_decoder decoder(std::bitset<slot_count>().set(), report);
  checking_sink sink;
  byte_reader in(input);
  std::string bytes;
  for (uint64_t sequence = 1; !in.at_end(); ++sequence) {
    frame_header header;
    uint8_t kind = in.u8();
    header.kind = static_cast<frame_kind>(kind & 7);
    header.stream = in.u8();
    header.sequence = sequence;
    header.ts = 1'700'000'000'000;
    size_t length = in.u16();
    std::string_view body = in.take(std::min<size_t>(length, in.remaining()));
    bytes.clear();
    put_frame(header, body, kind & 8, bytes);
    frame f;
    TROUPE_CHECK(check_frame(bytes, f) == frame_state::intact);
    status s = decoder.apply(f, sink);
    TROUPE_CHECK(s.ok() || s.code() == errc::corruption);
  }
  TROUPE_CHECK(decoder.end_run(sink).ok());
  TROUPE_CHECK(decoder.waiting() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  frame f;
  if (check_frame(input, f) == frame_state::intact) {
    std::string scratch;
    frame_body(f, scratch).ok();
  }
  find_frame(input, 0, 0, true);
  segment_header header;
  read_segment_header(input, header);
  decode_bodies(input);
  return 0;
}
