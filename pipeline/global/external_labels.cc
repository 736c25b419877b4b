#include "pipeline/global/external_labels.h"

#include "config/yaml.h"
#include "pipeline/parse/json_reader.h"

namespace troupe::global {
namespace {

std::string config_text(std::string_view body) {
  std::string out;
  parse::json_reader r(body);
  r.object([&](std::string_view key) {
    if (key != "data" || r.next() != parse::json_reader::kind::object)
      return r.skip();
    r.object([&](std::string_view inner) {
      if (inner == "yaml")
        out = r.string();
      else
        r.skip();
    });
  });
  return r.failed() ? "" : out;
}

}  // namespace

std::set<std::string> external_label_names(std::string_view body) {
  std::set<std::string> out;
  config::yaml_node root;
  config::diagnostics errors;
  if (!config::parse_yaml(config_text(body), "", {}, root, errors))
    return out;
  const auto* global = root.find("global");
  const auto* external = global != nullptr ? global->find("external_labels") : nullptr;
  if (external != nullptr)
    for (const auto& m : external->members)
      out.insert(m.key);
  return out;
}

}  // namespace troupe::global
