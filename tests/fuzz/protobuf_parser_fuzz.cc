// Any bytes: the parser ends, and what it yields holds or says that it does not.
#include "pipeline/parse/protobuf_parser.h"
#include "storage/base/check.h"
#include "storage/model/histogram_buckets.h"

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  using namespace troupe::parse;
  protobuf_parser p({reinterpret_cast<const char*>(data), size});
  labels_builder b;
  std::vector<std::string> empty;
  while (true) {
    const auto e = p.next();
    if (e == proto_entry::end || e == proto_entry::error)
      return 0;
    if (e == proto_entry::family)
      continue;
    const auto& m = p.metric();
    if (p.read_labels(p.family().name, {"le", "1.0"}, b, &empty).ok())
      (void)b.build();
    exemplar x;
    bool has_time = false;
    for (const auto message : m.exemplars)
      (void)read_proto_exemplar(message, x, has_time);
    for (const auto& bucket : m.buckets)
      (void)read_proto_exemplar(bucket.exemplar, x, has_time);
    if (!m.is_native || !m.native.validate().ok())
      continue;
    for (const int32_t schema : {8, 0, -4}) {
      auto h = m.native;
      compact(h);
      reduce_resolution(h, schema);
      TROUPE_CHECK(h.positive_buckets.size() <= m.native.positive_buckets.size());
      TROUPE_CHECK(h.is_float || h.validate().ok());
    }
  }
}
