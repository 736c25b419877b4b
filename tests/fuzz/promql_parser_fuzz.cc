// Any bytes as a query: an error or a tree whose text parses to the same text.
#include "query/parser/parser.h"
#include "query/parser/printer.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe::query;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_metric_selector(text).ok();
  (void)parse_series_labels(text).ok();
  auto tree = parse(text, parse_options::everything());
  if (!tree.ok())
    return 0;
  const auto printed = to_string(**tree);
  std::string json;
  append_json(json, **tree);
  if (printed.size() <= 4096)
    (void)prettify(**tree);
  resolve_durations(**tree, 15'000, 3'600'000).ignore();
  // The canonical form may be longer than the text; only then may it hit the length limit.
  auto options = parse_options::everything();
  options.max_query_bytes = 1U << 24;
  const auto again = parse(printed, options);
  if (!again.ok() || to_string(**again) != printed)
    std::abort();
  return 0;
}
