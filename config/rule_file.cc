// Rule files: structure and the checks that need no query engine.
#include "config/rule_file.h"

#include "config/defaults.h"
#include "config/load.h"
#include "config/schema.h"
#include "config/text.h"
#include "config/yaml_reader.h"
#include "storage/base/quote.h"

#include <set>

namespace troupe::config {
namespace {

constexpr std::string_view metric_name_label = "__name__";

void add(diagnostics& out, std::string field, std::string message) {
  out.push_back({"", 0, 0, std::move(field), std::move(message)});
}

void check_labels(const std::map<std::string, std::string>& labels, const std::string& path,
                  bool utf8, diagnostics& out) {
  for (const auto& [name, value] : labels) {
    if (!is_label_name(name, utf8) || name == metric_name_label)
      add(out, child_path(path, name), "invalid label name: " + name);
    if (!is_valid_utf8(value))
      add(out, child_path(path, name), "invalid label value: " + value);
  }
}

void check_recording(const rule_config& r, const std::string& path, bool utf8, diagnostics& out) {
  if (!r.annotations.empty())
    add(out, child_path(path, "annotations"), "invalid field 'annotations' in recording rule");
  if (r.for_ms != 0)
    add(out, child_path(path, "for"), "invalid field 'for' in recording rule");
  if (r.keep_firing_for_ms != 0)
    add(out, child_path(path, "keep_firing_for"),
        "invalid field 'keep_firing_for' in recording rule");
  if (!utf8 && !is_legacy_metric_name(r.record))
    add(out, child_path(path, "record"), "invalid recording rule name: " + r.record);
  if (r.record.find_first_of("{}") != std::string::npos)
    add(out, child_path(path, "record"),
        "braces present in the recording rule name; should it be in expr?: " + r.record);
}

void check_templates(const rule_config& r, const std::string& path, const load_options& options,
                     diagnostics& out) {
  if (r.alert.empty() || !options.check_template)
    return;
  const auto check = [&](const auto& texts, std::string_view key, std::string_view kind) {
    for (const auto& [name, text] : texts)
      if (const auto s = options.check_template(text, r.alert); !s.ok())
        add(out, child_path(child_path(path, key), name),
            std::string(kind) + " " + quoted(name) + ": " + std::string(s.message()));
  };
  check(r.labels, "labels", "label");
  check(r.annotations, "annotations", "annotation");
}

void check_rule(const rule_config& r, const std::string& path, bool utf8,
                const load_options& options, diagnostics& out) {
  if (!r.record.empty() && !r.alert.empty())
    add(out, child_path(path, "record"), "only one of 'record' and 'alert' must be set");
  if (r.record.empty() && r.alert.empty())
    add(out, path, "one of 'record' or 'alert' must be set");
  if (r.expr.empty())
    add(out, path, "field 'expr' must be set in rule");
  else if (options.check_expression) {
    if (const auto s = options.check_expression(r.expr); !s.ok())
      add(out, child_path(path, "expr"), "could not parse expression: " + std::string(s.message()));
  }
  if (!r.record.empty())
    check_recording(r, path, utf8, out);
  check_labels(r.labels, child_path(path, "labels"), utf8, out);
  for (const auto& [name, value] : r.annotations)
    if (!is_label_name(name, utf8))
      add(out, child_path(child_path(path, "annotations"), name),
          "invalid annotation name: " + name);
  check_templates(r, path, options, out);
}

}  // namespace

std::vector<rule_group_config> parse_rule_file(std::string_view text, const std::string& file,
                                               bool utf8, const load_options& options,
                                               diagnostics& errors) {
  std::vector<rule_group_config> groups;
  yaml_node root;
  yaml_limits limits;
  limits.max_bytes = defaults::max_file_bytes;
  if (!parse_yaml(text, file, limits, root, errors))
    return groups;
  const std::string folder;
  yaml_reader(root, file, folder, errors)
      .read(
          groups,
          +[](fields& f, std::vector<rule_group_config>& g) { f.list("groups", g, describe); });
  diagnostics found;
  std::set<std::string> names;
  for (size_t i = 0; i < groups.size(); ++i) {
    auto& g = groups[i];
    g.file = file;
    const auto path = item_path("groups", i);
    if (g.name.empty())
      add(found, path, "groupname must not be empty");
    else if (!names.insert(g.name).second)
      add(found, child_path(path, "name"),
          "groupname: " + quoted(g.name) + " is repeated in the same file");
    check_labels(g.labels, child_path(path, "labels"), utf8, found);
    for (size_t r = 0; r < g.rules.size(); ++r)
      check_rule(g.rules[r], item_path(child_path(path, "rules"), r), utf8, options, found);
  }
  for (auto& d : found) {
    d.file = file;
    locate(root, d);
    errors.push_back(std::move(d));
  }
  return groups;
}

}  // namespace troupe::config
