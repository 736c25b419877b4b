// Any bytes as a configuration, rule, target or web configuration file: an error or a value, never
// a crash. What was accepted prints as something that is accepted again.
#include "config/load.h"
#include "config/web_config.h"
#include "config/yaml.h"
#include "storage/base/check.h"
#include "tests/support/sim_file_system.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  support::sim_file_system fs(1);
  config::load_options options;
  options.environment = [](const std::string&) { return std::string("value"); };
  const auto loaded = config::parse_config(text, "fuzz.yml", fs, options);
  TROUPE_CHECK((loaded.value == nullptr) == !loaded.errors.empty());
  if (loaded.value != nullptr) {
    const auto printed = config::to_yaml(*loaded.value);
    config::yaml_node root;
    config::diagnostics wrong;
    TROUPE_CHECK(config::parse_yaml(printed, "printed.yml", {}, root, wrong));
  }
  config::diagnostics errors;
  (void)config::parse_rule_file(text, "fuzz.yml", true, options, errors);
  (void)config::parse_web_config(text, "fuzz.yml", errors);
  (void)config::parse_target_groups(text, "fuzz.yml");
  return 0;
}
