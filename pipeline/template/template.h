// Templates of alerts' labels and annotations: Go's text/template with Prometheus' functions.
// Immutable once parsed; any thread.
#pragma once

#include "pipeline/template/environment.h"
#include "pipeline/template/node.h"
#include "pipeline/template/value.h"
#include "storage/base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace troupe::templates {

class text_template {
 public:
  /// The message of an error is Go's: "template: NAME:LINE: …".
  static result<text_template> parse(std::string_view name, std::string text);

  /// The text for `data`, which is the template's dot. Errors as in execute().
  result<std::string> expand(const value& data, const environment& env) const;

 private:
  struct parsed {
    std::string name, text;
    tree_set trees;
  };
  std::shared_ptr<const parsed> parsed_;
};

/// One label or annotation of an alert: `$labels`, `$externalLabels`, `$externalURL` and `$value`
/// are set, and its name in messages is "__alert_ALERT".
class alert_template {
 public:
  /// The message of an error is that of Prometheus' rule loader.
  static result<alert_template> parse(std::string_view alert, std::string_view text);

  /// "error executing template __alert_ALERT: …" on failure.
  result<std::string> expand(const alert_data& data, const environment& env) const;
  /// As expand(), but a failure is text, as Prometheus sends it: "<error expanding template: …>".
  std::string expand_or_explain(const alert_data& data, const environment& env) const;

 private:
  std::string name_;
  std::string plain_;  ///< a text without actions, which is most
  text_template template_;
  bool is_plain_ = false;
};

}  // namespace troupe::templates
