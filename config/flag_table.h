// Every server flag with its type, default and effect, and every --enable-feature. Constant tables;
// flags.cc walks them.
#pragma once

#include "config/flags.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

enum class flag_kind : unsigned char {
  boolean,
  text,
  texts,
  duration,
  bytes,
  count,
  ratio,
  sync,
  memory,  ///< bytes, or per cent of what there is
  rules,
};

/// A value after parsing by its kind; one of the members.
struct flag_value {
  bool on = false;     ///< of a memory: `number` is per cent
  int64_t number = 0;  ///< milliseconds, bytes or a count
  std::string text;
  std::vector<std::string> list;
  std::vector<retention_rule_flag> rules;
};

enum class flag_help : unsigned char {
  shown,   ///< in --help
  hidden,  ///< accepted as Prometheus accepts it, but not advertised
};

struct flag_spec {
  std::string_view name;
  flag_kind kind;
  std::string_view initial;  ///< as /api/v1/status/flags shows it
  std::string_view choices;  ///< "a|b": the only texts allowed; "" = any
  std::string_view help;
  flag_help visible = flag_help::shown;
  /// Null: the flag is read without acting (inert_flags()).
  void (*set)(server_flags&, const flag_value&) = nullptr;

  bool repeats() const { return kind == flag_kind::texts || kind == flag_kind::rules; }
  bool troupe_own() const {
    return name.starts_with("troupe.") || kind == flag_kind::sync || kind == flag_kind::memory;
  }
};

std::span<const flag_spec> flag_table();

enum class feature_state : unsigned char {
  acts,
  always_on,  ///< what it switches on is always on here, or is a no-op in Prometheus, too
  inert,
};

struct feature_spec {
  std::string_view name;
  feature_state state;
  bool feature_flags::*field = nullptr;  ///< for those that act
};

std::span<const feature_spec> feature_table();

/// Names of the flags and features that are read without acting, sorted: the pinned list.
std::vector<std::string_view> inert_flags();
std::vector<std::string_view> inert_features();

}  // namespace troupe::config
