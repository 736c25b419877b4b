#include "config/inert.h"

#include "config/defaults.h"
#include "config/sd_kinds.h"
#include "config/yaml_reader.h"

#include <algorithm>
#include <array>
#include <set>

namespace troupe::config {
namespace {

constexpr std::string_view sd_suffix = "_sd_configs";
// A grant of oauth2: the client gets no token and its requests fail with the reason.
constexpr std::string_view jwt_grant = "jwt-bearer";

// Blocks as a whole, at the top of the file.
constexpr std::array<std::string_view, 1> blocks{"tracing"};
// Keys wherever they stand below other blocks.
constexpr std::array<std::string_view, 2> keys{"enable_http2", "gogc"};

template <class C>
bool has(const C& all, std::string_view name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

bool is_inert_sd(std::string_view key) {
  if (!key.ends_with(sd_suffix))
    return false;
  key.remove_suffix(sd_suffix.size());
  const auto kinds = inert_sd_kinds();
  return std::any_of(kinds.begin(), kinds.end(), [&](const sd_kind& k) { return k.name == key; });
}

// A switch that is off, a zero and an empty list ask for nothing.
bool asks_for_something(const yaml_node& v) {
  if (v.type == yaml_node::kind::list)
    return !v.items.empty();
  if (v.type == yaml_node::kind::map)
    return !v.members.empty();
  bool on = true;
  if (v.plain && parse_yaml_bool(v.text, on))
    return on;
  return v.type == yaml_node::kind::scalar && v.text != "0" && v.text != "0s" && !v.text.empty();
}

class finder {
 public:
  finder(const std::string& file, std::vector<inert_use>& out) : file_(file), out_(out) {}

  void root(const yaml_node& n) {
    for (const auto& m : n.members) {
      if (!has(blocks, m.key))
        walk(m.value, m.key);
      else if (asks_for_something(m.value))
        note(m.key, m.line, m.column, m.key);
    }
  }

 private:
  void walk(const yaml_node& n, const std::string& path) {
    for (const auto& m : n.members) {
      const auto own = child_path(path, m.key);
      const bool inert = has(keys, m.key) || is_inert_sd(m.key);
      if (inert && asks_for_something(m.value))
        note(m.key, m.line, m.column, own);
      if (m.key == "grant_type" && m.value.text == defaults::jwt_grant_type)
        note(jwt_grant, m.line, m.column, own);
      if (!inert && m.key != "labels" && m.key != "external_labels" && m.key != "params")
        walk(m.value, own);
    }
    for (size_t i = 0; i < n.items.size(); ++i)
      walk(n.items[i], item_path(path, i));
  }

  void note(std::string_view name, int line, int column, const std::string& path) {
    out_.push_back({std::string(name), file_ + ":" + std::to_string(line) + ":" +
                                           std::to_string(column) + ": " + path});
  }

  const std::string& file_;
  std::vector<inert_use>& out_;
};

// The names are built once from the tables above; they live as long as the process.
const std::vector<std::string>& all_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out(blocks.begin(), blocks.end());
    out.insert(out.end(), keys.begin(), keys.end());
    out.emplace_back(jwt_grant);
    out.emplace_back("http_server_config.http2");
    for (const auto& k : inert_sd_kinds())
      out.push_back(std::string(k.name) + std::string(sd_suffix));
    std::sort(out.begin(), out.end());
    return out;
  }();
  return names;
}

}  // namespace

std::span<const std::string_view> inert_keys() {
  static const std::vector<std::string_view> views(all_names().begin(), all_names().end());
  return views;
}

void find_inert(const yaml_node& root, const std::string& file, std::vector<inert_use>& out) {
  finder(file, out).root(root);
}

std::vector<std::string> inert_warnings(const config& c) {
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  for (const auto& use : c.inert_uses)
    if (seen.insert(use.name).second)
      out.push_back(use.name + " is read and checked but has no effect yet (" + use.where + ")");
  return out;
}

}  // namespace troupe::config
