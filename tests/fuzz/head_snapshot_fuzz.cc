// Frames of a snapshot of the head behind right checksums: whatever is accepted makes a head that
// can be read, appended to and saved again.
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/head/head_snapshot.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace troupe;
using namespace troupe::storage;

void use(head& h) {
  for (const head_tenant* tenant : h.tenants()) {
    const auto all = h.all_series(*tenant);
    std::vector<head_series*> refs;
    std::vector<float_entry> floats;
    for (const head_series* s : all.series) {
      series_snapshot snapshot;
      sample_columns out;
      if (h.samples().snapshot(*s, min_time, max_time, snapshot).ok())
        snapshot.read(min_time, max_time, out).ignore();
      floats.push_back({1'700'000'000'000, 0.5, static_cast<uint32_t>(refs.size())});
      refs.push_back(h.find(*tenant, s->lset()));
      TROUPE_CHECK(refs.back() == s);
    }
    h.apply(h.tenant(tenant->name), {.floats = floats}, refs,
            [](uint32_t) -> head_series* { TROUPE_CHECK(false); });
  }
  head_saver saver(h);
  std::string content;
  while (saver.next_series(16, content))
    content.clear();
}

}  // namespace

// Input: frames, each kind u8, length u16, content.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  byte_reader in({reinterpret_cast<const char*>(data), size});
  head h({.max_exemplars = 8});
  head_loader loader(h, [](const wal_references& group, std::span<head_series* const> series) {
    TROUPE_CHECK(group.series.size() == series.size());
  });
  bool first = true;
  while (!in.at_end()) {
    const auto kind = static_cast<snapshot_frame>(in.u8());
    const size_t length = in.u16();
    const std::string_view content = in.take(std::min(length, in.remaining()));
    snapshot_header header;
    read_snapshot_header(content, header);
    saved_chunks chunks;
    if (kind == snapshot_frame::chunks && first && read_saved_chunks(content, chunks)) {
      bool files = false;
      size_t bytes = 0;
      for (const auto& r : chunks.regions) {
        files = files || r.in_file;
        bytes += r.capacity;
      }
      if (!files && bytes < (1 << 20))
        loader.restore(std::move(chunks));
    }
    first = false;
    if (!loader.take(kind, content).ok())
      break;
  }
  use(h);
  return 0;
}
