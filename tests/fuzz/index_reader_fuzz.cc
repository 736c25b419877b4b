// The index file behind its checksums: any bytes give an error or answers, never a crash.
#include "storage/index/index_reader.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  if (size > 1u << 16)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto reader =
      storage::index_reader::open(bytes, 0, storage::index_reader::checksums::ignore);
  if (!reader.ok())
    return 0;
  const auto& index = **reader;
  labels series;
  std::vector<storage::chunk_ref> chunks;
  std::string_view statistics;
  for (uint32_t ref = 0; ref < index.series_count() && ref < 1000; ++ref)
    index.series(ref, series, &chunks, &statistics).ignore();
  const matchers ms{matcher::equal("a", "b"), *matcher::make(match_op::not_regex, "c", "d.*")};
  (void)storage::resolve(index, ms);
  (void)index.label_names({}, 50);
  (void)index.label_names(ms, 50);
  (void)index.label_values("a", ms, 50);
  return 0;
}
