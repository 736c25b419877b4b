// An index, tombstones and meta.json of Prometheus behind their checksums: any bytes give an error
// or answers, never a crash.
#include "storage/tsdb/index_reader.h"
#include "storage/tsdb/meta.h"
#include "storage/tsdb/tombstones.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe::storage::tsdb;
  if (size > 1u << 16)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)decode_tombstones(bytes, "tombstones");
  (void)decode_meta(bytes);
  const auto index = index_reader::open(bytes, "index", index_reader::checksums::ignore);
  if (!index.ok())
    return 0;
  troupe::labels series;
  std::vector<chunk_meta> chunks;
  for (size_t i = 0; i < index->series().size() && i < 1000; ++i)
    index->read(index->series()[i], &series, chunks).ignore();
  return 0;
}
