#include "pipeline/discover/target_groups.h"

#include "config/yaml.h"
#include "pipeline/relabel/relabel.h"
#include "storage/base/quote.h"

#include <boost/json.hpp>

#include <string>

namespace troupe::discover {
namespace {

namespace json = boost::json;

status bad(const std::string& where, std::string_view what) {
  return {errc::invalid_argument, where + ": " + std::string(what)};
}

std::string text_of(const json::string& s) {
  return {s.data(), s.size()};
}

status read_targets(const json::value& v, const std::string& where, config::target_group& out) {
  if (v.is_null())
    return {};
  if (!v.is_array())
    return bad(where, "targets must be a list");
  for (const auto& t : v.get_array()) {
    if (!t.is_string())
      return bad(where, "targets must be strings");
    out.targets.push_back(text_of(t.get_string()));
  }
  return {};
}

status read_labels(const json::value& v, const std::string& where, config::target_group& out) {
  if (v.is_null())
    return {};
  if (!v.is_object())
    return bad(where, "labels must be an object");
  for (const auto& member : v.get_object()) {
    const std::string name(member.key().data(), member.key().size());
    if (!relabel::is_valid_label_name(name, config::name_validation::utf8))
      return bad(where, quoted(name) + " is not a valid label name");
    if (!member.value().is_string())
      return bad(where, "label " + quoted(name) + " must be a string");
    out.labels[name] = text_of(member.value().get_string());
  }
  return {};
}

status read_group(const json::value& v, const std::string& where, config::target_group& out) {
  if (v.is_null())
    return bad(where, "nil target group item found");
  if (!v.is_object())
    return bad(where, "must be an object");
  for (const auto& member : v.get_object()) {
    if (member.key() == "targets")
      TROUPE_TRY(read_targets(member.value(), where, out));
    else if (member.key() == "labels")
      TROUPE_TRY(read_labels(member.value(), where, out));
    else
      return bad(where, "unknown field " + quoted({member.key().data(), member.key().size()}));
  }
  return {};
}

std::string line_of(const config::yaml_node& n) {
  return "line " + std::to_string(n.line);
}
using kind = config::yaml_node::kind;

status read_yaml_group(const config::yaml_node& n, config::target_group& out) {
  if (n.type == kind::null)
    return bad(line_of(n), "nil target group item found");
  if (n.type != kind::map)
    return bad(line_of(n), "a target group must be a map");
  for (const auto& [key, line, column, value] : n.members) {
    const bool is_targets = key == "targets";
    if (!is_targets && key != "labels")
      return bad("line " + std::to_string(line), "unknown field " + quoted(key));
    if (value.type == kind::null)
      continue;
    if (value.type != (is_targets ? kind::list : kind::map))
      return bad(line_of(value), is_targets ? "targets must be a list" : "labels must be a map");
    for (const auto& item : value.items) {
      if (item.type != kind::scalar)
        return bad(line_of(item), "targets must be strings");
      out.targets.push_back(item.text);
    }
    for (const auto& member : value.members) {
      if (!relabel::is_valid_label_name(member.key, config::name_validation::utf8))
        return bad(line_of(member.value), quoted(member.key) + " is not a valid label name");
      if (member.value.type == kind::list || member.value.type == kind::map)
        return bad(line_of(member.value), "label " + quoted(member.key) + " must be a string");
      out.labels[member.key] = member.value.text;
    }
  }
  return {};
}

}  // namespace

result<std::vector<config::target_group>> parse_yaml_groups(std::string_view text) {
  config::yaml_node root;
  config::diagnostics errors;
  config::yaml_limits limits;
  limits.max_bytes = limits.max_expanded_bytes;
  limits.max_nodes = 4'000'000;
  if (!config::parse_yaml(text, "", limits, root, errors)) {
    const auto& e = errors.front();
    return {errc::invalid_argument, "line " + std::to_string(e.line) + ": " + e.message};
  }
  std::vector<config::target_group> out;
  if (root.type != kind::list && root.type != kind::null)
    return {errc::invalid_argument, "target groups must be a list"};
  for (const auto& item : root.items) {
    out.emplace_back();
    TROUPE_TRY(read_yaml_group(item, out.back()));
  }
  return out;
}

result<std::vector<config::target_group>> parse_json_groups(std::string_view text) {
  boost::system::error_code ec;
  const auto parsed = json::parse({text.data(), text.size()}, ec);
  if (ec)
    return {errc::invalid_argument, "invalid JSON: " + ec.message()};
  std::vector<config::target_group> out;
  if (parsed.is_null())
    return out;
  if (!parsed.is_array())
    return {errc::invalid_argument, "target groups must be a list"};
  for (const auto& v : parsed.get_array()) {
    out.emplace_back();
    TROUPE_TRY(read_group(v, "target group " + std::to_string(out.size()), out.back()));
  }
  return out;
}

}  // namespace troupe::discover
