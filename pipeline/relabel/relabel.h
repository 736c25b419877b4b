// Relabelling: a compiled rule list applied to a label set, exactly as Prometheus does. Immutable
// once compiled; any thread.
#pragma once

#include "config/relabel_config.h"
#include "config/scrape_config.h"
#include "storage/base/regex.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::relabel {

class rules {
 public:
  rules() = default;
  /// Compiles the regular expressions; invalid_argument names the rule that has a bad one.
  /// `validation` decides which target labels a replacement may produce.
  static result<rules> compile(const std::vector<config::relabel_config>& configs,
                               config::name_validation validation);

  bool empty() const { return rules_.empty(); }
  /// Rewrites `b` in place, rule by rule. False: the label set is dropped (its content is then
  /// unspecified).
  bool apply(labels_builder& b) const;
  /// The rewritten set, or nothing if it is dropped.
  std::optional<labels> apply(const labels& in) const;

 private:
  struct rule {
    config::relabel_config config;
    regex pattern;
    bool default_pattern = false;  ///< "(.*)": matches everything, $1 is the value
    bool plain_target = false;     ///< no '$' in target_label
    bool plain_replacement = false;
    bool valid_target = false;  ///< plain_target and a valid label name
  };
  bool apply_one(const rule& r, labels_builder& b) const;
  void replace(const rule& r, const std::string& value, labels_builder& b) const;
  static std::string joined_source(const rule& r, const labels_builder& b);

  std::vector<rule> rules_;
  config::name_validation validation_ = config::name_validation::utf8;
};

/// utf8: not empty and well-formed; legacy: [a-zA-Z_][a-zA-Z0-9_]*.
bool is_valid_label_name(std::string_view name, config::name_validation validation);
/// As label names, where legacy metric names may hold ':' too.
bool is_valid_metric_name(std::string_view name, config::name_validation validation);

}  // namespace troupe::relabel
