// Keys of troupe's own blocks.
#include "config/schema.h"

#include <array>

namespace troupe::config {
namespace {

constexpr std::array<std::string_view, 1> blocks{"federation"};

}  // namespace

std::span<const std::string_view> own_block_names() {
  return blocks;
}

void describe(fields& f, federation_config& c) {
  f.text("name", c.name, shown::yes);
  f.url("url", c.url);
  f.texts("match", c.match, shown::yes);
  f.text_map("labels", c.labels, shown::yes);
  f.bytes("keep", c.keep_bytes, when::always);
  describe(f, c.client);
}

void describe(fields& f, own_config& c) {
  f.list("federation", c.federation, describe);
}

}  // namespace troupe::config
