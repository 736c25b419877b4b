#include "config/flags_file.h"

#include "config/defaults.h"
#include "config/own_config.h"
#include "config/text.h"
#include "config/yaml.h"

#include <algorithm>
#include <optional>

namespace troupe::config {
namespace {

// The texts that a member of the file gives for its flag; nothing, and errors, if they do not hold.
std::optional<std::vector<std::string>> read_value(const flag_spec& spec, const yaml_member& m,
                                                   const std::string& path, const flag_check& check,
                                                   diagnostics& errors) {
  const size_t before = errors.size();
  const bool list = m.value.type == yaml_node::kind::list && spec.repeats();
  std::vector<std::string> texts;
  const auto take = [&](const yaml_node& node, int line, int column, const std::string& field) {
    if (node.type != yaml_node::kind::scalar)
      errors.push_back({path, line, column, field, "must be a single value"});
    else if (const auto s = check(spec, node.text); !s.ok())
      errors.push_back({path, line, column, field, std::string(s.message())});
    else
      texts.push_back(node.text);
  };
  if (!list)
    take(m.value, m.line, m.column, m.key);
  for (size_t i = 0; list && i < m.value.items.size(); ++i)
    take(m.value.items[i], m.value.items[i].line, m.value.items[i].column, item_path(m.key, i));
  if (errors.size() != before || texts.empty())
    return std::nullopt;
  return texts;
}

}  // namespace

status read_troupe_file(const std::string& path, file_system& fs, const flag_check& check,
                        given_values& given) {
  TROUPE_ASSIGN(const std::string text, read_file(fs, path, defaults::max_file_bytes));
  yaml_node root;
  diagnostics errors;
  if (parse_yaml(text, path, {}, root, errors)) {
    const auto blocks = own_block_names();
    for (const auto& m : root.members) {
      if (std::find(blocks.begin(), blocks.end(), m.key) != blocks.end())
        continue;  // load_config() reads these
      const auto table = flag_table();
      const auto spec = std::find_if(table.begin(), table.end(), [&](const auto& s) {
        return s.name == m.key && s.troupe_own() && s.name != "troupe.config.file";
      });
      if (spec == table.end())
        errors.push_back({path, m.line, m.column, m.key, "unknown field"});
      else if (auto texts = read_value(*spec, m, path, check, errors))
        given.emplace(spec->name, std::move(*texts));
    }
    if (root.type == yaml_node::kind::list || root.type == yaml_node::kind::scalar)
      errors.push_back({path, root.line, root.column, "", "must be a mapping"});
  }
  return to_status(errors);
}

}  // namespace troupe::config
