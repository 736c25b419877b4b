// Pushes in text and protobuf, and their paths: any bytes give an error or groups that come back
// from their files.
#include "pipeline/push/push_store.h"
#include "tests/support/sim_file_system.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = std::min(input.find('\n'), input.size());
  auto group = push::parse_grouping(input.substr(0, line));
  if (!group.ok())
    group = push::grouping{{"job", "fuzz"}};
  const auto body = input.substr(std::min(line + 1, input.size()));
  support::sim_file_system fs(1);
  std::vector<std::string> unread;
  auto store = push::push_store::open(fs, {"data"}, unread);
  for (const auto format : {parse::exposition_format::text, parse::exposition_format::openmetrics,
                            parse::exposition_format::protobuf}) {
    auto families = push::read_pushed(body, format, *group);
    if (!families.ok() || !(*store)->push(*group, std::move(*families), false, 1'000).ok())
      continue;
    auto again = push::push_store::open(fs, {"data"}, unread);
    if (!again.ok() || !unread.empty() || (*again)->exposition() != (*store)->exposition())
      std::abort();
  }
  return 0;
}
