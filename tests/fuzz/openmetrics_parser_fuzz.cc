// Any bytes: the parser ends, and a line it accepted reads the same on the known-line path.
#include "pipeline/parse/openmetrics_parser.h"
#include "storage/base/check.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  using namespace troupe::parse;
  const std::string body(reinterpret_cast<const char*>(data), size);
  openmetrics_parser p(body);
  openmetrics_parser known(body);
  labels_builder b;
  while (true) {
    known.skip_blanks();
    const auto e = p.next();
    if (e == entry::end || e == entry::error)
      return 0;
    if (e != entry::series) {
      (void)p.family();
      (void)p.text();
      known.skip_known(p.entry_text().size());
      continue;
    }
    if (p.read_labels(b).ok())
      (void)b.build();
    (void)p.start_key();
    (void)p.is_created();
    if (p.has_exemplar())
      (void)read_exemplar_labels(p.exemplar().labels);
    if (known.take_known(p.series().size())) {
      TROUPE_CHECK(std::bit_cast<uint64_t>(known.value()) == std::bit_cast<uint64_t>(p.value()));
      TROUPE_CHECK(known.has_timestamp() == p.has_timestamp());
      TROUPE_CHECK(!p.has_timestamp() || known.timestamp() == p.timestamp());
      TROUPE_CHECK(known.position() == p.position());
    } else {
      known.skip_known(p.entry_text().size());
    }
  }
}
