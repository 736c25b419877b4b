// A YAML document as a plain tree with positions. The only home of yaml-cpp. Pure function of the
// text: any thread. Bounded: bytes, nesting, nodes (aliases are expanded against the same budget).
#pragma once

#include "config/diagnostics.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

struct yaml_member;

struct yaml_node {
  enum class kind : unsigned char { null, scalar, list, map };
  kind type = kind::null;
  bool plain = true;  ///< a scalar without quotes: may stand for a number or a boolean
  int line = 0;       ///< from 1
  int column = 0;     ///< from 1
  std::string text;
  std::vector<yaml_node> items;
  std::vector<yaml_member> members;  ///< keys are unique; merge keys (<<) are resolved

  /// The value of `key` in a map, or null.
  const yaml_node* find(std::string_view key) const;
};

struct yaml_member {
  std::string key;
  int line = 0;
  int column = 0;
  yaml_node value;
};

struct yaml_limits {
  size_t max_bytes = 8u << 20;
  size_t max_depth = 64;
  size_t max_nodes = 500'000;             ///< after expansion of aliases
  size_t max_expanded_bytes = 64u << 20;  ///< of scalars, after expansion of aliases
};

/// Parses the one document of `text`. Every duplicate key, key that is not a string, broken alias
/// or syntax error is appended to `errors` under the name `file`; false if there was any. An empty
/// document gives a null root.
bool parse_yaml(std::string_view text, const std::string& file, const yaml_limits& limits,
                yaml_node& root, diagnostics& errors);

/// "a" + "b" = "a.b"; keys that are no identifiers are quoted: a["b.c"].
std::string child_path(std::string_view parent, std::string_view key);
/// "a" + 3 = "a[3]"
std::string item_path(std::string_view parent, size_t index);

/// Sets line and column of `where` to those of its field in the tree, or of the deepest part of it
/// that exists.
void locate(const yaml_node& root, diagnostic& where);

}  // namespace troupe::config
